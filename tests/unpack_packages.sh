#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
#
# tests/unpack_packages.sh FOLDER PACKAGE...: Debian packages, and all that they depend on and is not installed here, are unpacked
# below FOLDER/root. Nothing is installed; what apt-get would remove to install them stays.

set -u
mkdir -p "$1/packages" "$1/root" || exit 1
# apt's own user writes there when it downloads as root.
chmod 755 "$1/packages"
cd "$1/packages" || exit 1
shift
# apt names all that would be installed, without installing it.
names() {
	apt-get -s --no-install-recommends install "$@" | awk '$1 == "Inst" { print $2 }' >names
	[ -s names ] && xargs apt-get download <names
}
names "$@" || { [ "$(id -u)" -eq 0 ] && apt-get update && names "$@"; } || exit 1
for package in *.deb; do
	dpkg -x "$package" ../root || exit 1
done
