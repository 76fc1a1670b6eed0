#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
#
# What named sees of dlz_ispman.so: the functions it asks for and nothing else.

. "$(dirname "$0")/tap.sh"

module=$builddir/dlz_ispman/.libs/dlz_ispman.so
[ -e "$module" ] || module=$builddir/.libs/dlz_ispman.so
[ -e "$module" ] || skip_all "dlz_ispman.so is not built"
command -v nm readelf >/dev/null || skip_all "nm and readelf are not installed"

exported=$(nm -D --defined-only "$module" | awk '{ print $3 }' | sed 's/@.*//' |
	grep -vE '^(__asan|__ubsan|__sanitizer|__tsan|__lsan|__gcov|__llvm|mangle_path|_init$|_fini$)')
grep -v '^dlz_' <<<"$exported" | nothing_wrong "only dlz_ functions are exported"
for function in dlz_version dlz_create dlz_destroy dlz_findzonedb dlz_lookup dlz_allowzonexfr dlz_allnodes; do
	grep -qx "$function" <<<"$exported" || echo "$function is missing"
done | nothing_wrong "all that named needs is exported"
# Answering SOA and NS in dlz_lookup("@") saves a call a query.
grep -x dlz_authority <<<"$exported" | nothing_wrong "dlz_authority is not exported"

dynamic=$(readelf -dW "$module")
grep NEEDED <<<"$dynamic" | grep -E 'libldap|liblber|libldns|libjansson|libcrypto|libdns|libisc|libevent' |
	nothing_wrong "named gets no LDAP, DNS or TLS library through it"
# A thread-local destructor of a library that was unloaded would crash named.
{ grep -q 'FLAGS_1.*NODELETE' <<<"$dynamic" || echo "no NODELETE in $module"; } |
	nothing_wrong "it is never unloaded"
nm -D --undefined-only "$module" | awk '{ print $2 }' | grep -E '^(dns|isc|ns|dst)_' |
	nothing_wrong "nothing of BIND's libraries is linked, only looked up"

tap_done
