#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
#
# Gives every fuzz target its seed corpus: what was once wrong stays right.
set -u

cd "$ISPMAN_BUILDDIR/tests/fuzz" || exit 1
corpora=$ISPMAN_SRCDIR/tests/fuzz/corpus
targets=()
for corpus in "$corpora"/*/; do
	targets+=("$(basename "$corpus")")
done

echo "1..${#targets[@]}"
n=0
for target in "${targets[@]}"; do
	n=$((n + 1))
	if find "$corpora/$target" -type f -print0 | xargs -0 ./fuzz_"$target"; then
		echo "ok $n - $target"
	else
		echo "not ok $n - $target"
	fi
done
