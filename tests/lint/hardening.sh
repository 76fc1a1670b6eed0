#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
#
# The binaries have the protection that configure asked for. configure leaves out a flag that the
# compiler refuses, so that a mistake there would cost all of it silently; this looks at the result.

. "$(dirname "$0")/tap.sh"

command -v readelf >/dev/null || skip_all "readelf is not installed"
makefile=$builddir/Makefile
[ -e "$builddir/config.status" ] || skip_all "there is no build"
grep -qF "S[\"PLAIN_TRUE\"]=\"\"" "$builddir/config.status" || skip_all "built with sanitizers, fuzzing or coverage"
flags=$(sed -n 's/^CFLAGS = //p; s/^ISPMAN_CFLAGS = //p' "$makefile")

# Programs and modules, found among what the makefile builds; libtool keeps the real file in .libs.
binaries() {
	local name base file
	for name in $(sed -n 's/^\(bin\|sbin\)_PROGRAMS = //p; s/^pkglib_LTLIBRARIES = //p' "$makefile" |
		tr ' ' '\n' | sed 's/[$](EXEEXT)//'); do
		base=$(basename "$name" .la)
		for file in "$(dirname "$name")/.libs/$base"{.so,} "$name"; do
			[ -f "$builddir/$file" ] && echo "$file" && break
		done
	done
}

found=$(binaries)
[ -n "$found" ] || skip_all "nothing is built yet"
for binary in $found; do
	file=$builddir/$binary
	header=$(readelf -hW "$file")
	segments=$(readelf -lW "$file")
	dynamic=$(readelf -dW "$file")
	symbols=$(readelf -sW --dyn-syms "$file")
	{
		grep -q 'Type: *DYN' <<<"$header" || echo "not position independent"
		grep -q GNU_RELRO <<<"$segments" || echo "no GNU_RELRO"
		grep -qE 'BIND_NOW|FLAGS.*NOW' <<<"$dynamic" || echo "symbols are bound lazily"
		grep -qE 'GNU_STACK.* RW ' <<<"$segments" || echo "the stack is executable"
		grep -qE 'LOAD.* RWE ' <<<"$segments" && echo "a segment is writable and executable"
		grep -q __stack_chk_fail <<<"$symbols" || echo "no stack protector"
		case " $flags " in
		*" -O0 "*) ;;
		*) grep -qE '__[a-z]+_chk(@|$| )' <<<"$symbols" || echo "not fortified" ;;
		esac
		grep -qE '(RUNPATH|RPATH)' <<<"$dynamic" && echo "has a run path"
	} | nothing_wrong "$binary is hardened"
done
for flag in -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero; do
	case " $flags " in
	*" $flag "*) ;;
	*) echo "$flag was dropped by configure" ;;
	esac
done | nothing_wrong "configure kept the flags that gcc 12 and clang 14 know"

tap_done
