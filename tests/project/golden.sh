#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
#
# LDIF in, records and problems out: cases/NAME.ldif must give cases/NAME.want. A case's options for
# project_ldif stand in its first line, after "# options:". The records must be the same when the entries
# come in the opposite order, but for the order of claims on one mail address or login. UPDATE=1 writes what is got into the .want files.
set -u

here=$ISPMAN_SRCDIR/tests/project
run=$ISPMAN_BUILDDIR/tests/project/project_ldif
sample=$ISPMAN_SRCDIR/tests/data/sample.ldif
# NAME:FILE
cases=("sample:$sample" "sample_mail:$sample" "example_mail:$ISPMAN_SRCDIR/docs/examples/tree.ldif"
	"sample_login:$sample" "example_login:$ISPMAN_SRCDIR/docs/examples/tree.ldif")
for ldif in "$here"/cases/*.ldif; do
	cases+=("$(basename "$ldif" .ldif):$ldif")
done
got=$(mktemp)
trap 'rm -f "$got" "$got.back"' EXIT

echo "1..$((2 * ${#cases[@]}))"
n=0
result() {
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}

records() {
	case $name in
	*mail* | *login*) sed '/^problem /,$d' "$1" | sort ;;
	*) sed '/^problem /,$d' "$1" ;;
	esac
}

for case in "${cases[@]}"; do
	name=${case%%:*}
	ldif=${case#*:}
	want=$here/cases/$name.want
	options=()
	case $name in
	sample) options=(-p 192.0.2.0/24 -p 2001:db8::/32) ;;
	sample_mail | example_mail) options=(-m) ;;
	sample_login) options=(-l -w) ;;
	example_login) options=(-l) ;;
	esac
	read -r -a more < <(sed -n '1s/^# options://p' "$ldif")
	"$run" "${options[@]}" ${more[@]+"${more[@]}"} "$ldif" >"$got"
	status=$?
	[ -n "${UPDATE:-}" ] && cp "$got" "$want"
	diff -u "$want" "$got" | head -n 40 | sed 's/^/# /'
	[ $status -eq 0 ] && cmp -s "$want" "$got"
	result $? "$name"
	"$run" -r "${options[@]}" ${more[@]+"${more[@]}"} "$ldif" >"$got.back"
	status=$?
	diff <(records "$got") <(records "$got.back") | head -n 40 | sed 's/^/# /'
	[ $status -eq 0 ] && cmp -s <(records "$got") <(records "$got.back")
	result $? "$name: whatever the order of its entries"
done
