#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
#
# Folders use only what docs/ARCHITECTURE.md allows them: the includes are the proof.

. "$(dirname "$0")/tap.sh"

# Every "#include" of a folder's C files: FILE, a blank, what is included with its quotes or <>.
includes_of() {
	(cd "$srcdir" && grep -rHoE --include='*.[ch]' '^[[:blank:]]*#[[:blank:]]*include[[:blank:]]*[<"][^>"]*[>"]' "$@" |
		sed -E 's/^([^:]*):[[:blank:]]*#[[:blank:]]*include[[:blank:]]*/\1 /')
}

# A folder's quoted includes that are not among the allowed ones (an extended regular expression).
foreign() {
	includes_of "$1" | grep '"' | grep -vE " \"($2)\"$"
}

# Who includes a header that matches the expression, the allowed files (another expression) left out.
users_of() {
	local folders
	mapfile -t folders < <(source_folders)
	[ -d "$srcdir/tests" ] && folders+=(tests)
	includes_of "${folders[@]}" | grep -E " $1" | grep -vE "^($2) "
}

foreign common 'common/[a-z0-9_]+\.h' | nothing_wrong "common/ uses common/"
foreign cache '(common|cache)/[a-z0-9_]+\.h' | nothing_wrong "cache/ uses common/ and cache/"
# A front end: the folder, and the reading header that is its own.
while read -r folder own; do
	if [ -d "$srcdir/$folder" ]; then
		foreign "$folder" "$folder/[a-z0-9_]+\.h|common/[a-z0-9_]+\.h|cache/(cache|$own)\.h" |
			nothing_wrong "$folder/ uses common/, cache/cache.h and cache/$own.h"
	fi
done <<-EOT
	dlz_ispman dns
	postfix_map mail|mail_settings
	saslauth secret|secret_json|login|login_settings
	ftpauth account|login|login_settings
	agent home|ledger|record_login|connection
EOT

{
	users_of '<lmdb\.h>' 'cache/store_internal\.h|tests/bench/.*'
	users_of '"cache/store_internal\.h"' 'cache/store(_[a-z]+)?\.c'
} | nothing_wrong "<lmdb.h> is included by cache/store*.c only"
users_of '<(open)?(ldap|lber|ldap_[a-z]+|lber_[a-z]+)\.h>' \
	'cache/connection\.c|cache/message\.c|saslauth/bind\.c|agent/tasks\.c|tests/.*' |
	nothing_wrong "<ldap.h> and <lber.h> are included where LDAP is spoken only"
users_of '"cache/connection\.h"' 'cache/.*|agent/tasks\.c|tests/.*' |
	nothing_wrong "cache/connection.h is included where LDAP is spoken only"
users_of '<ldns/' 'cache/rdata[a-z_]*\.c|tests/.*' |
	nothing_wrong "ldns is included where record text is read only"
users_of '<(idn2|uni(str|case|norm|types))\.h>' 'cache/address\.c|tests/.*' |
	nothing_wrong "libidn2 and libunistring are included where addresses are folded only"
users_of '<(dns|isc|dst|ns|isccfg|bind9|irs)/' 'tests/.*' |
	nothing_wrong "no header of BIND's: dlz_ispman/dlz.h declares the interface"
users_of '"tests/' 'tests/.*' | nothing_wrong "nothing that is installed uses tests/"
users_of '<(security/pam_appl|sasl/[a-z]+|event2?/?[a-z_]*|event)\.h>' \
	'common/.*|postfix_map/.*|saslauth/.*|ftpauth/.*|agent/.*|tests/.*' |
	nothing_wrong "no event loop or SASL in the cache and in named"

# No DNS, LDAP or mail words in the plumbing.
(cd "$srcdir" && grep -rniE --include='*.[ch]' '\b(ldap|lmdb|mdb|dns|zone|soa|imap|smtp|mailbox)\b' common) |
	nothing_wrong "common/ knows nothing of DNS, LDAP, LMDB or mail"

mapfile -t folders < <(source_folders)
includes_of "${folders[@]}" tests | grep '"' | while read -r file header; do
	header=${header//\"/}
	case $header in
	*/*) [ -e "$srcdir/$header" ] || [ -e "$builddir/$header" ] || echo "$file: $header does not exist" ;;
	*) echo "$file: \"$header\" without its folder" ;;
	esac
done | nothing_wrong "quoted includes name folder and file"

tap_done
