#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
#
# Shell scripts pass shellcheck, Python files compile.

. "$(dirname "$0")/tap.sh"
cd "$srcdir" || exit 1

mapfile -t scripts < <(
	source_files '*.sh' | grep -v '^build-aux/'
	for file in run-tests quickstart .ci/run; do
		[ -f "$file" ] && echo "$file"
	done
)
if command -v shellcheck >/dev/null; then
	for file in "${scripts[@]}"; do
		shellcheck -x -P SCRIPTDIR -f gcc "$file" 2>&1 | nothing_wrong "$file passes shellcheck"
	done
else
	[ -n "${ISPMAN_NO_SKIP:-}" ] && echo "shellcheck is not installed" | nothing_wrong "shellcheck"
	[ -n "${ISPMAN_NO_SKIP:-}" ] || skip "shell scripts" "shellcheck is not installed"
fi

mapfile -t python < <(source_files '*.py')
/usr/bin/python3 - "${python[@]}" <<-'EOT' 2>&1 | nothing_wrong "Python files compile"
	import sys
	for path in sys.argv[1:]:
	    try:
	        compile(open(path, encoding="utf-8").read(), path, "exec")
	    except SyntaxError as e:
	        print(e)
EOT
for file in "${scripts[@]}"; do
	case $file in tests/lint/tap.sh) continue ;; esac
	head -n 1 "$file" | grep -qE '^#!/(bin/(ba)?sh|usr/bin/env bash)$' || echo "$file: $(head -n 1 "$file")"
done | nothing_wrong "scripts say who runs them"

tap_done
