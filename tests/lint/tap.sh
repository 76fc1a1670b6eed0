# shellcheck shell=bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
#
# TAP for the lint tests, which source this file. A test prints a line for each thing that is wrong,
# piped into nothing_wrong: the result passes when there is none.

set -u
# The last command of a pipe runs in this shell: nothing_wrong counts.
shopt -s lastpipe
LC_ALL=C
export LC_ALL
srcdir=${ISPMAN_SRCDIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
builddir=${ISPMAN_BUILDDIR:-$srcdir}
export builddir
tap_count=0
tap_failed=0

# Result NAME: passes when standard input is empty; what stands there is shown.
nothing_wrong() {
	local name=$1 complaints
	complaints=$(cat)
	tap_count=$((tap_count + 1))
	if [ -z "$complaints" ]; then
		echo "ok $tap_count - $name"
	else
		printf '%s\n' "$complaints" | head -n 40 | sed 's/^/# /'
		echo "not ok $tap_count - $name"
		tap_failed=1
	fi
}

skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

# Leaves the script: nothing of it can run here.
skip_all() {
	if [ -n "${ISPMAN_NO_SKIP:-}" ]; then
		echo "1..1"
		echo "not ok 1 - cannot run: $1"
		exit 1
	fi
	echo "1..0 # SKIP $1"
	exit 0
}

tap_done() {
	echo "1..$tap_count"
	exit "$tap_failed"
}

# Our folders with C in them.
source_folders() {
	local folder
	for folder in common cache dlz_ispman postfix_map saslauth ftpauth agent; do
		[ -d "$srcdir/$folder" ] && echo "$folder"
	done
}

# Files below the source tree whose name matches one of the patterns, relative to it. What a build or git put there is left out.
source_files() {
	local names=() pattern
	for pattern; do
		names+=(-o -name "$pattern")
	done
	(cd "$srcdir" && find . \( -name .git -o -name build -o -name 'build-*' -o -name autom4te.cache \
		-o -name corpus -o -name '_*' -o -name '*.dSYM' \) -prune -o -type f \
		\( "${names[@]:1}" \) -print | sed 's,^\./,,' | sort)
}
