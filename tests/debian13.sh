#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
#
# The module in Debian 13's named (BIND 9.20): tests/debian13.sh BUILDDIR [TEST...]
#
# The very file that was built here is loaded by the named of a Debian 13 in a folder (made by debootstrap, some 200 MB, kept
# in $DEBIAN13 when that is set), and the tests that ask a named run against it; everything else is this machine's.
# Needs root, debootstrap and a Debian mirror ($DEBIAN_MIRROR, or the one that this machine installs from).

set -eu

source_dir=$(cd "$(dirname "$0")/.." && pwd)
build_dir=$(cd "${1:?usage: tests/debian13.sh BUILDDIR [TEST...]}" && pwd)
shift
tests=("$@")
[ ${#tests[@]} -gt 0 ] || tests=(golden rfc4592 labels module_files module_reload module_transfer ops_change)

# All mounts vanish with this process.
if [ -z "${DEBIAN13_INSIDE:-}" ]; then
	DEBIAN13_INSIDE=1 exec unshare --mount --propagation private "$0" "$build_dir" "${tests[@]}"
fi

mirror() {
	grep -rhoE '(https?|file)://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n 1
}

root=${DEBIAN13:-}
if [ -z "$root" ]; then
	root=$(mktemp -d)
	trap 'umount -R "$root/work" 2>/dev/null; rm -rf --one-file-system "$root"' EXIT
fi
if [ ! -x "$root/usr/sbin/named" ]; then
	echo "# installing Debian 13 with bind9 below $root"
	debootstrap --variant=minbase --include=bind9,liblmdb0 trixie "$root" "${DEBIAN_MIRROR:-$(mirror)}" >"$root.log" 2>&1 || {
		tail -n 5 "$root.log"
		exit 1
	}
	rm -f "$root.log"
fi

# The sandboxes of the tests, the build and the wrapper stand at the same place inside.
work=$(mktemp -d)
# named gives up root in some of them.
chmod 755 "$root" "$work"
mkdir -p "$root$work" "$root$build_dir"
mount --bind "$work" "$root$work"
mount --bind "$build_dir" "$root$build_dir"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mkdir -m 755 "$work/bin" "$work/tmp"
printf '#!/bin/sh\nexec chroot "%s" /usr/sbin/named "$@"\n' "$root" >"$work/bin/named"
chmod +x "$work/bin/named"

echo "# $("$work/bin/named" -v)"
status=0
for test in "${tests[@]}"; do
	[ -e "$source_dir/tests/integration/$test.py" ] || continue
	PATH=$work/bin:$PATH TMPDIR=$work/tmp ISPMAN_SRCDIR=$source_dir ISPMAN_BUILDDIR=$build_dir \
		/usr/bin/python3 "$source_dir/tests/integration/$test.py" >"$work/$test.log" 2>&1 || true
	# BIND 9.20's own zones deny empty wildcards (RFC 4592 4.9 wants NODATA), so what native zones say is no measure there.
	bad=$(grep '^not ok' "$work/$test.log" | grep -vcE -- '- (native|alike):' || true)
	if [ "$bad" -eq 0 ] && grep -qE '^1\.\.[1-9]' "$work/$test.log"; then
		echo "ok - $test: $(grep -c '^ok' "$work/$test.log") checks"
	else
		echo "not ok - $test"
		grep -B 12 '^not ok' "$work/$test.log" || tail -n 20 "$work/$test.log"
		status=1
	fi
done
umount -R "$root$work" "$root$build_dir" "$root/dev" "$root/proc"
rmdir "$root$work"
rm -rf "$work"
exit $status
