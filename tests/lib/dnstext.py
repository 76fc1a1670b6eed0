# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""A cache made of a text (tests/lib/dns_text.h), for tests of the module that need no directory."""

import subprocess

import servers

PROGRAM = "tests/lib/write_dns"


def fill(cache_dir, text):
    """Makes CACHE_DIR/dns/2 hold what TEXT says, in one commit."""
    subprocess.run([servers.built(PROGRAM), cache_dir + "/dns/2"], input=text, text=True, check=True,
                   capture_output=True)


def zone(name, serial, *records):
    """A primary zone; RECORDS are "OWNER TYPE TTL DATA"."""
    return ("zone %s primary %d 3600 ns.outside.invalid. host.outside.invalid.\n" % (name, serial)
            + "".join("rr %s %s\n" % (name, record) for record in records))
