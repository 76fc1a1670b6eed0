#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
#
# What is the same in every file: licence, header guards, order of includes, blanks, length.

. "$(dirname "$0")/tap.sh"
cd "$srcdir" || exit 1

mapfile -t c_files < <(source_files '*.[ch]' | grep -vE '^config\.h|^build-aux/')
mapfile -t headers < <(printf '%s\n' "${c_files[@]}" | grep '\.h$')
mapfile -t sources < <(printf '%s\n' "${c_files[@]}" | grep '\.c$')
mapfile -t scripts < <(source_files '*.sh' '*.py' | grep -v '^build-aux/')
mapfile -t documents < <(source_files '*.md' '*.[0-9]' '*.conf' '*.example' '*.service' '*.socket' '*.ldif' '*.schema' 'local.mk' |
	grep -vE '^tests/(data|.*corpus)')

for file in "${c_files[@]}"; do
	head -n 3 "$file" | tr '\n' '~' | grep -qE '^/\* SPDX-License-Identifier: ISC~ \* SPDX-FileCopyrightText: the ispman authors~ \*' ||
		echo "$file: no SPDX lines with a comment that says why the file exists"
done | nothing_wrong "C files begin with licence and purpose"

for file in "${scripts[@]}"; do
	head -n 4 "$file" | grep -q '^# SPDX-License-Identifier: ISC$' || echo "$file: no SPDX line"
done | nothing_wrong "scripts begin with the licence"

for file in "${headers[@]}"; do
	grep -q '^#pragma once$' "$file" || echo "$file: no #pragma once"
done | nothing_wrong "headers are read once"

for file in "${sources[@]}"; do
	case $file in tests/fuzz/fuzz_*) continue ;; esac
	own=${file%.c}.h
	mapfile -t lines < <(sed -nE 's/^#include ([<"][^>"]*[>"]).*/\1/p' "$file")
	[ ${#lines[@]} -gt 0 ] || continue
	[ "${lines[0]}" = "<config.h>" ] || echo "$file: <config.h> is not the first include"
	mapfile -t ours < <(printf '%s\n' "${lines[@]}" | grep '^"')
	# cache/apply.c may begin with cache/apply_internal.h, which includes cache/apply.h.
	if [ -e "$own" ] && [[ ${ours[0]:-} != "\"$own\"" && ${ours[0]:-} != "\"${own%.h}_internal.h\"" ]]; then
		echo "$file: \"$own\" is not the first of our headers"
	fi
done | nothing_wrong "<config.h> is included first, and the own header before others of ours"

for file in "${headers[@]}"; do
	grep -q '<config\.h>' "$file" && echo "$file includes <config.h>"
done | nothing_wrong "headers do not include <config.h>"

grep -nE '[[:blank:]]$' "${c_files[@]}" "${scripts[@]}" "${documents[@]}" /dev/null |
	nothing_wrong "no blanks at the ends of lines"
# Tabs of eight indent; blanks may align the rest of a statement that goes on.
awk 'FNR == 1 { ended = 1 }
	/^    / && ended { print FILENAME ":" FNR ": " $0 }
	{ ended = /[;{}]$/ }' "${c_files[@]}" | nothing_wrong "C is indented with tabs"
grep -nP ' \t' "${c_files[@]}" /dev/null | nothing_wrong "no blank before a tab"
for file in "${c_files[@]}" "${scripts[@]}" "${documents[@]}"; do
	[ -s "$file" ] && [ -n "$(tail -c 1 "$file")" ] && echo "$file"
done | nothing_wrong "files end with a line feed"
grep -nP '\r$' "${c_files[@]}" "${scripts[@]}" "${documents[@]}" /dev/null | nothing_wrong "no carriage returns"

wc -l "${c_files[@]}" "${scripts[@]}" | awk '$2 != "total" && $1 > 1000 { print $2 ": " $1 " lines" }' |
	nothing_wrong "no file of more than 1000 lines"
wc -l "${c_files[@]}" | awk '$2 != "total" && $1 > 700 { print "# over 700 lines, think of splitting: " $2 " " $1 }'
awk 'length() > 140 { print FILENAME ":" FNR ": " length() " characters" }' "${c_files[@]}" |
	nothing_wrong "no line of C over 140 characters"

# Split, so that this file does not find itself.
grep -nE '\b(TO''DO|FIX''ME|XX''X)\b' "${c_files[@]}" "${scripts[@]}" "${documents[@]}" /dev/null |
	nothing_wrong "nothing is left to be done later"
# What no local.mk names would be missing in a release.
named=$(cat Makefile.am ./*/local.mk ./*/*/local.mk)
for file in "${c_files[@]}" "${scripts[@]}"; do
	[ -e "$(dirname "$file")/local.mk" ] || [[ $file != tests/bench/* ]] || continue
	grep -qF "$(basename "$file")" <<<"$named" || echo "$file"
done | nothing_wrong "every source file and script stands in a local.mk"
printf '%s\n' "${c_files[@]}" "${scripts[@]}" | grep -E '(^|/|_)(util|utils|helper|helpers|misc|manager)(\.|_|/)' |
	nothing_wrong "names say what is inside"

tap_done
