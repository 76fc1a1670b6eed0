# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Who may transfer zones, and what a secondary gets.

Nobody unless allow-transfer says so; listed addresses; or whom the view allows, with TSIG keys.
"""

import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import dnstext
import servers
import tap

SECRET = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IQ=="
KEY = 'key "secondary" { algorithm hmac-sha256; secret "%s"; };\n' % SECRET
SOA = "%s. 3600 IN SOA ns.outside.invalid. host.outside.invalid. %d 3600 600 604800 3600"

TEXT = ("set catch-all www\nset primary ns1.isp.test.\nset rname host.isp.test.\nprefix 192.0.2.0 24 24\n"
        + dnstext.zone("tern.test", 7, "@ NS - ns.sub", "www A 300 192.0.2.1", "www A 60 192.0.2.2",
                       "sub NS - ns.sub", "ns.sub A - 192.0.2.3", "a.b.c TXT - \"deep\"")
        + "zone heron.test replica tern.test\nptr 41.2.0.192.in-addr.arpa www.tern.test.\n")

TERN = [
    SOA % ("%(zone)s", 7),
    "%(zone)s. 3600 IN NS ns.sub.%(zone)s.",
    "*.%(zone)s. 3600 IN CNAME www.%(zone)s.",
    "a.b.c.%(zone)s. 3600 IN TXT \"deep\"",
    "ns.sub.%(zone)s. 3600 IN A 192.0.2.3",
    "sub.%(zone)s. 3600 IN NS ns.sub.%(zone)s.",
    "www.%(zone)s. 60 IN A 192.0.2.1",
    "www.%(zone)s. 60 IN A 192.0.2.2",
]
REVERSE = [
    "2.0.192.in-addr.arpa. 86400 IN SOA ns1.isp.test. host.isp.test. 1 10800 900 604800 86400",
    "2.0.192.in-addr.arpa. 86400 IN NS ns1.isp.test.",
    "41.2.0.192.in-addr.arpa. 86400 IN PTR www.tern.test.",
]


def dig(named, zone, *words):
    out = subprocess.run([servers.find_tool("dig"), "@127.0.0.1", "-p", str(named.port), zone, "+nocmd", "+nostats",
                          "+nocomments", "+onesoa"] + list(words), capture_output=True, text=True).stdout
    lines = [" ".join(line.split()) for line in out.splitlines() if line and not line.startswith(";")]
    lines = [line for line in lines if " TSIG " not in line]
    return lines if lines else [line for line in out.splitlines() if "failed" in line]


def transfer(named, zone, *words):
    """The records of a zone, the SOA first and the rest sorted, or what dig says of its failure."""
    lines = dig(named, zone, "AXFR", *words)
    return lines[:1] + sorted(lines[1:])


def expected(records, zone):
    lines = [record % {"zone": zone} for record in records]
    return lines[:1] + sorted(lines[1:])


def main():
    t = tap.Tap()
    lack = servers.missing("named", "module", "dig")
    if lack or not servers.built(dnstext.PROGRAM):
        tap.skip_all(lack or dnstext.PROGRAM + " is not built")
    failed = ["; Transfer failed."]
    with servers.Sandbox("module-transfer") as box:
        cache_dir = box.path("cache")
        dnstext.fill(cache_dir, TEXT)

        def named(name, arguments, options="", zones=""):
            return box.named(dlz=cache_dir, name=name, zones=zones, options="minimal-responses yes;" + options,
                             dlz_arguments="run-dir=" + box.path("run") + arguments)

        server = named("none", "", "allow-transfer { any; };")
        t.same(transfer(server, "tern.test"), failed, "by default nobody may, whatever the view says")
        box.release(server)

        server = named("other", " allow-transfer=192.0.2.0/24,2001:db8::1")
        t.same(transfer(server, "tern.test"), failed, "an address that is not listed may not")
        box.release(server)

        server = named("listed", " allow-transfer=192.0.2.0/24,127.0.0.0/8")
        t.same(transfer(server, "tern.test"), expected(TERN, "tern.test"), "a listed one gets the zone")
        t.same(transfer(server, "heron.test"), expected(TERN, "heron.test"), "a replica under its own name")
        t.same(transfer(server, "2.0.192.in-addr.arpa"), expected(REVERSE, ""), "a computed zone")
        t.same(transfer(server, "www.tern.test"), failed, "a name that is no zone cannot be transferred")
        t.same(transfer(server, "nosuch.test"), failed, "nor can a zone that is not there")
        t.same(dig(server, "tern.test", "IXFR=7"), [SOA % ("tern.test", 7)], "IXFR of the same serial is its SOA")
        t.same(sorted(set(dig(server, "tern.test", "IXFR=6"))), sorted(expected(TERN, "tern.test")),
               "IXFR of an older one is the whole zone")
        dnstext.fill(cache_dir, TEXT.replace("primary 7", "primary 8").replace("192.0.2.3", "192.0.2.4"))
        changed = [record.replace(" 7 3600", " 8 3600").replace("192.0.2.3", "192.0.2.4") for record in TERN]
        t.same(transfer(server, "tern.test"), expected(changed, "tern.test"), "a change is in the next transfer")
        box.release(server)

        server = named("view", " allow-transfer=view", "allow-transfer { key secondary; };", KEY)
        t.same(transfer(server, "tern.test"), failed, "by the view's rule: without the key it may not")
        t.same(transfer(server, "tern.test", "-y", "hmac-sha256:secondary:" + SECRET), expected(changed, "tern.test"),
               "with the key it may")
        t.same(transfer(server, "tern.test", "-y", "hmac-sha256:secondary:b3RoZXI="), failed, "with a wrong one not")

        # A secondary that loads it, and answers the same.
        secondary = box.named(name="secondary", zones=KEY + 'zone "tern.test" { type secondary; file "tern"; '
                              'masterfile-format text; primaries { 127.0.0.1 port %d key secondary; }; };\n' % server.port)
        secondary.wait_log("transferred serial 8")
        servers.wait_until(lambda: secondary.query("www.tern.test", "A").rcode == "NOERROR", "the secondary's zone")
        for name, rrtype in (("www.tern.test", "A"), ("no.tern.test", "A"), ("b.c.tern.test", "A"), ("x.sub.tern.test", "A")):
            ours, theirs = server.query(name, rrtype), secondary.query(name, rrtype)
            t.same((theirs.rcode, theirs.aa, sorted(map(repr, theirs.answer))),
                   (ours.rcode, ours.aa, sorted(map(repr, ours.answer))), "a secondary answers %s alike" % name)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
