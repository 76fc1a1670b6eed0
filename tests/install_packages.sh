#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
#
# tests/install_packages.sh PACKAGE...: installs Debian packages without letting a service start.
#
# Installing slapd or bind9 starts it, and again at the next boot. Here it must do neither: the tests run
# servers of their own, and this machine may have others. So a policy-rc.d that says no stands in
# while apt-get works (unless the machine has one, which then decides), and services that came by this are disabled.

set -u
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
as_root=()
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || {
		echo "root rights are needed to install: $*" >&2
		exit 1
	}
	as_root=(sudo env DEBIAN_FRONTEND=noninteractive)
fi

trap 'exit 1' INT TERM HUP
if [ ! -e "$policy" ]; then
	trap '"${as_root[@]}" rm -f "$policy"' EXIT
	printf '#!/bin/sh\n# Put here while packages for tests are installed; remove it if it was left.\nexit 101\n' |
		"${as_root[@]}" tee "$policy" >/dev/null && "${as_root[@]}" chmod 755 "$policy" || exit 1
fi

# Services that are there already are the administrator's.
services() {
	(
		shopt -s nullglob
		cd / && printf '%s\n' etc/init.d/* lib/systemd/system/*.service
	) | sed 's,.*/,,; s,\.service$,,' | grep -v @ | sort -u
}
before=$(services)
install() {
	"${as_root[@]}" apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"
}
install "$@" || { "${as_root[@]}" apt-get update && install "$@"; } || exit 1

for service in $(comm -13 <(echo "$before") <(services)); do
	if [ -d /run/systemd/system ]; then
		"${as_root[@]}" systemctl --quiet disable "$service" 2>/dev/null
	elif [ -e "/etc/init.d/$service" ] && command -v update-rc.d >/dev/null; then
		"${as_root[@]}" update-rc.d "$service" disable
	fi
	echo "$service is left switched off"
done
exit 0
