#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
#
# What the guides point at exists: files, make targets, manual pages.
#
# The backquotes in single quotes are Markdown's:
# shellcheck disable=SC2016

. "$(dirname "$0")/tap.sh"
cd "$srcdir" || exit 1

mapfile -t guides < <(source_files '*.md')

# [text](target): a relative target is a file, beside the guide.
for file in "${guides[@]}"; do
	sed 's/`[^`]*`//g' "$file" | grep -oE '\]\([^) ]+\)' | sed 's/^](//; s/)$//; s/#.*//' |
		while read -r target; do
			case $target in
			'' | http://* | https://* | mailto:*) ;;
			*) [ -e "$(dirname "$file")/$target" ] || echo "$file: $target does not exist" ;;
			esac
		done
done | nothing_wrong "relative links lead somewhere"

# [text](#heading) and [text](file#heading), as a repository browser makes anchors.
anchors() {
	sed -nE '/^```/,/^```/d; s/^#+ +//p' "$1" | tr '[:upper:]' '[:lower:]' | sed -E 's/[^a-z0-9 _-]//g; s/ /-/g'
}
for file in "${guides[@]}"; do
	grep -oE '\]\([^) ]*#[^) ]+\)' "$file" | sed 's/^](//; s/)$//' | while read -r target; do
		case $target in http*) continue ;; esac
		page=${target%%#*}
		page=${page:+$(dirname "$file")/$page}
		[ -e "${page:-$file}" ] || continue
		anchors "${page:-$file}" | grep -qxF "${target#*#}" || echo "$file: no heading for $target"
	done
done | nothing_wrong "links to headings lead somewhere"

targets=$(cat Makefile.am ./*/local.mk ./*/*/local.mk 2>/dev/null | grep -oE '^[a-z][a-z0-9-]+:' | tr -d :)
grep -nohE '\bmake bench-[a-z-]+' "${guides[@]}" | sort -u | sed 's/.*make //' | while read -r target; do
	grep -qx "$target" <<<"$targets" || echo "make $target: there is no such target"
done | nothing_wrong "benchmarks that the guides name exist"

# Fenced shell lines that run a script of the tree.
grep -ohE '(^|[ `])\./(run-tests|quickstart|configure|[a-z-]+\.sh)\b' "${guides[@]}" | sed 's/^[ `]//' | sort -u |
	while read -r script; do
		[ "$script" = ./configure ] || [ -x "$script" ] || echo "$script does not exist or cannot be run"
	done | nothing_wrong "scripts that the guides name exist"

# ispmanctl(8) and the like: every page of ours that a guide names.
grep -ohE '\b(ispman[a-z.-]*|dlz_ispman)\([58]\)' "${guides[@]}" ./*/*.[58] 2>/dev/null | sort -u |
	while IFS='()' read -r name section; do
		ls ./*/"$name.$section" >/dev/null 2>&1 || echo "$name($section) does not exist"
	done | nothing_wrong "manual pages that are named exist"

# Folders explain themselves.
for folder in $(source_folders) tests docs; do
	[ -e "$folder/README.md" ] || echo "$folder/README.md is missing"
done | nothing_wrong "every folder has a README.md"

tap_done
