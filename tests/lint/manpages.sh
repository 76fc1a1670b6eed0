#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
#
# Manual pages are sound mdoc, and ispman.conf(5) says what the programs take: no setting more or less.

. "$(dirname "$0")/tap.sh"
cd "$srcdir" || exit 1

mapfile -t pages < <(source_files '*.[58]')
if command -v mandoc >/dev/null; then
	for page in "${pages[@]}"; do
		mandoc -Tlint -Wwarning "$page" 2>&1 | nothing_wrong "$page is sound"
	done
elif [ -n "${ISPMAN_NO_SKIP:-}" ]; then
	echo "mandoc is not installed" | nothing_wrong "manual pages are sound"
else
	skip "manual pages are sound" "mandoc is not installed"
fi

# The settings of the code, "[section] key (default): help" a line, and of the page: ".It Cm key" below ".Ss [section]".
page=cache/ispman.conf.5
list=$builddir/tests/lint/settings_list
if [ -x "$list" ] && [ -e "$page" ]; then
	coded=$("$list" | sed -nE 's/^(\[[a-z-]+\]) ([a-z0-9-]+).*/\1 \2/p' | sort -u)
	written=$(awk '/^\.Ss \[/ { section = $2 }
		/^\.S[sh] [^[]/ { section = "" }
		/^\.It Cm / && section != "" { print section " " $3 }' "$page" | sort -u)
	comm -23 <(echo "$coded") <(echo "$written") | nothing_wrong "every setting is in $page"
	comm -13 <(echo "$coded") <(echo "$written") | nothing_wrong "every setting of $page exists"
	# The example mentions settings that exist, commented out or not.
	example=docs/examples/ispman.conf.example
	awk '/^\[/ { section = $1 } /^#? ?[a-z0-9-]+ = / { sub(/^#? ?/, ""); print section " " $1 }' "$example" |
		sort -u | comm -23 - <(echo "$coded") | nothing_wrong "every setting of $example exists"
else
	skip "settings and $page agree" "the list of settings is not built"
fi

# Options: what -h prints is described, and the other way round.
for program in agent/ispman-agent cache/ispman-cached cache/ispmanctl postfix_map/ispman-socketmapd ftpauth/ispman-ftpauthd saslauth/ispman-saslauthd; do
	name=$(basename "$program")
	binary=$builddir/$program
	if [ ! -x "$binary" ] || [ ! -e "$program.8" ]; then
		skip "$name.8 has all options" "$name is not built"
		continue
	fi
	helped=$("$binary" -h 2>&1 | grep -oE '(^|[][ ,|])-[a-zA-Z]\b' | tr -d '][ ,|' | sort -u)
	described=$(sed -nE 's/^\.It Fl ([a-zA-Z])( .*)?$/-\1/p' "$program.8" | sort -u)
	comm -3 <(echo "$helped") <(echo "$described") | nothing_wrong "$name.8 has all options"
done

tap_done
