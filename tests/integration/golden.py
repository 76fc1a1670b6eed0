# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""What ISPMan's DNS data means, said by named with our module.

tests/data/sample.ldif is a tree whose answers are known from the original; ADDITIONS holds what that tree lacks.
All of it is asked twice: the directory in a real slapd, and in an LDIF file. The answers differ from the
original's where it was wrong: a one-label MX or NS target is relative, dNSTTL counts, a child zone hosted by
itself does not leak into its parent, markers are not data.
"""

import ipaddress
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import dnsclient
import ispman_ldif
import servers
import tap

SOA = "SOA ns1.isp.example. hostmaster.isp.example. 2004053007 10800 1800 604800 86400"
SIX = ipaddress.ip_address("2001:db8::1").reverse_pointer
DKIM = "v=DKIM1; k=rsa; p=" + "MIIBIjANBgkqhkiG9w0B" * 20

# (name, type, rcode, answers without owner and TTL in sorted order)
SAMPLE = [
    ("tern.example", "SOA", "NOERROR", [SOA]),
    ("tern.example", "NS", "NOERROR", ["NS ns1.isp.example.", "NS ns2.isp.example."]),
    ("tern.example", "A", "NOERROR", ["A 192.0.2.31"]),
    ("tern.example", "MX", "NOERROR", ["MX 10 mx1.isp.example."]),
    ("tern.example", "TXT", "NOERROR", ['TXT "v=spf1 mx -all"']),
    ("tern.example", "AAAA", "NOERROR", []),
    ("www.tern.example", "A", "NOERROR", ["A 192.0.2.31"]),
    ("www.tern.example", "AAAA", "NOERROR", ["AAAA 2001:db8::31"]),
    ("WWW.Tern.EXAMPLE", "A", "NOERROR", ["A 192.0.2.31"]),
    ("mail.tern.example", "A", "NOERROR", ["A 192.0.2.41"]),
    ("multi.tern.example", "A", "NOERROR", ["A 192.0.2.61", "A 192.0.2.62"]),
    ("lists.tern.example", "MX", "NOERROR", ["MX 10 mail.tern.example."]),
    ("ext.tern.example", "A", "NOERROR", ["CNAME host.partner.example."]),
    ("shop.tern.example", "CNAME", "NOERROR", ["CNAME www.tern.example."]),
    ("shop.tern.example", "A", "NOERROR", ["A 192.0.2.31", "CNAME www.tern.example."]),
    ("nosuch.tern.example", "A", "NOERROR", ["A 192.0.2.31", "CNAME www.tern.example."]),
    ("x.y.tern.example", "CNAME", "NOERROR", ["CNAME www.tern.example."]),
    ("*.tern.example", "CNAME", "NOERROR", ["CNAME www.tern.example."]),
    # An existing name stops the wildcard, also below itself.
    ("x.www.tern.example", "A", "NXDOMAIN", []),
    ("lists.tern.example", "A", "NOERROR", []),
    # A marker beside an A or a CNAME record is not DNS data.
    ("www.tern.example", "TXT", "NOERROR", []),
    ("shop.tern.example", "TXT", "NOERROR", ["CNAME www.tern.example."]),
    ("mail.tern.example", "PTR", "NOERROR", []),
    ("mail.tern.example", "ANY", "NOERROR", ["A 192.0.2.41"]),
    # The replica: relative names follow it, absolute ones stay.
    ("heron.example", "SOA", "NOERROR", [SOA]),
    ("heron.example", "NS", "NOERROR", ["NS ns1.isp.example.", "NS ns2.isp.example."]),
    ("heron.example", "A", "NOERROR", ["A 192.0.2.31"]),
    ("heron.example", "MX", "NOERROR", ["MX 10 mx1.isp.example."]),
    ("heron.example", "TXT", "NOERROR", ['TXT "v=spf1 mx -all"']),
    ("lists.heron.example", "MX", "NOERROR", ["MX 10 mail.heron.example."]),
    ("shop.heron.example", "CNAME", "NOERROR", ["CNAME www.heron.example."]),
    ("nosuch.heron.example", "A", "NOERROR", ["A 192.0.2.31", "CNAME www.heron.example."]),
    ("ext.heron.example", "CNAME", "NOERROR", ["CNAME host.partner.example."]),
    ("multi.heron.example", "A", "NOERROR", ["A 192.0.2.61", "A 192.0.2.62"]),
    # No zones of ours: a slave, one with its DNS elsewhere, one without a SOA, and none.
    ("gull.example", "SOA", "REFUSED", []),
    ("wren.example", "SOA", "REFUSED", []),
    ("crow.example", "SOA", "REFUSED", []),
    ("example", "SOA", "REFUSED", []),
    ("www.isp.example", "A", "REFUSED", []),
    # Reverse, computed.
    ("41.2.0.192.in-addr.arpa", "PTR", "NOERROR", ["PTR mail.tern.example."]),
    ("31.2.0.192.in-addr.arpa", "PTR", "NXDOMAIN", []),
    ("2.0.192.in-addr.arpa", "NS", "NOERROR", ["NS ns1.isp.example.", "NS ns2.isp.example."]),
    ("0.192.in-addr.arpa", "NS", "REFUSED", []),
]

ADDED = [
    # Replicas: the master in another spelling; of what is no zone; of a replica.
    ("teal.example", "SOA", "NOERROR", [SOA]),
    ("lists.teal.example", "MX", "NOERROR", ["MX 10 mail.teal.example."]),
    ("dove.example", "SOA", "REFUSED", []),
    ("kite.example", "SOA", "REFUSED", []),
    ("rook.example", "SOA", "REFUSED", []),
    ("swan.example", "SOA", "REFUSED", []),
    # A child hosted by itself inside the parent's subtree.
    ("kid.tern.example", "SOA", "NOERROR",
     ["SOA ns1.isp.example. hostmaster.isp.example. 2100000007 5400 1800 604800 300"]),
    ("kid.tern.example", "A", "NOERROR", ["A 192.0.2.99"]),
    ("kid.tern.example", "MX", "NOERROR", ["MX 5 mx.kid.example."]),
    ("nosuch.kid.tern.example", "A", "NXDOMAIN", []),
    ("kid.heron.example", "A", "NOERROR", ["A 192.0.2.31", "CNAME www.heron.example."]),
    ("tern.example", "MX", "NOERROR", ["MX 10 mx1.isp.example."]),
    # Targets: one label is relative, several are absolute, a dot settles it.
    ("targets.lark.example", "MX", "NOERROR",
     ["MX 1 one.lark.example.", "MX 2 two.labels.", "MX 3 three.", "MX 4 spaced.example."]),
    ("null.lark.example", "MX", "NOERROR", ["MX 0 ."]),
    ("cut.lark.example", "NS", "NOERROR", []),
    ("deep.cname.lark.example", "CNAME", "NOERROR", ["CNAME a.b.lark.example."]),
    # Where an entry may stand, and how many values it may hold.
    ("typed.lark.example", "A", "NOERROR", ["A 192.0.2.1"]),
    ("flat.lark.example", "A", "NOERROR", ["A 192.0.2.2", "A 192.0.2.3"]),
    ("flat.lark.example", "TXT", "NOERROR", []),
    ("dkim.lark.example", "TXT", "NOERROR", ['TXT "%s" "%s"' % (DKIM[:255], DKIM[255:])]),
    ("odd.lark.example", "TXT", "NOERROR", ['TXT "a, \\"b\\"; c\\\\d (e) $f @g"']),
    ("strings.lark.example", "TXT", "NOERROR", ['TXT "one" "two; three"']),
    # TTLs.
    ("foreign.lark.example", "A", "NXDOMAIN", []),
    ("bad.lark.example", "A", "NXDOMAIN", []),
    # Other types, known and unknown.
    ("_sip._tcp.lark.example", "SRV", "NOERROR", ["SRV 1 2 5060 sip.lark.example."]),
    ("lark.example", "CAA", "NOERROR", ["CAA \\# 15 00056973737565636132652e636f6d"]),
    ("new.lark.example", "TYPE65280", "NOERROR", ["TYPE65280 \\# 2 0a0b"]),
    # Reverse for IPv6; and no pointer outside the prefixes, or to a host name.
    (SIX, "PTR", "NOERROR", ["PTR six.lark.example."]),
    (SIX.split(".", 5)[5], "PTR", "NOERROR", []),
    (SIX.split(".", 16)[16], "NS", "NOERROR", ["NS ns1.isp.example.", "NS ns2.isp.example."]),
    ("3.113.0.203.in-addr.arpa", "PTR", "REFUSED", []),
    ("test.chalk.byname.in-addr.arpa", "PTR", "REFUSED", []),
]

CATCH_ALL = [
    ("nosuch.lark.example", "A", "NOERROR", ["A 192.0.2.80", "CNAME www.lark.example."]),
    ("x.typed.lark.example", "A", "NXDOMAIN", []),
    # An own wildcard stays; without the A record, or as no primary, there is none.
    ("nosuch.tern.example", "CNAME", "NOERROR", ["CNAME www.tern.example."]),
    ("nosuch.kid.tern.example", "A", "NXDOMAIN", []),
]


def additions(tree):
    """What the sample lacks."""
    def zone(name, soa):
        tree.domain(name, "primary")
        tree.record(name, "@", "SOA", soa)
        tree.record(name, "@", "NS", "ns1.isp.example.")

    tree.domain("teal.example", "replica", master="TERN.Example")
    tree.domain("dove.example", "replica", master="gull.example")
    tree.domain("kite.example", "replica", master="wren.example")
    tree.domain("rook.example", "replica", master="nowhere.example")
    tree.domain("swan.example", "replica", master="heron.example")

    zone("kid.tern.example", "ns1.isp.example hostmaster.isp.example. 2100000007 1H30M 30m 1W 300")
    tree.record("kid.tern.example", "@", "A", "192.0.2.99")
    tree.record("kid.tern.example", "@", "MX", "5 mx.kid.example.")

    lark = "lark.example"
    zone(lark, "ns1.isp.example. hostmaster.isp.example. 1 3H 30M 1W 1H")
    tree.record(lark, "www", "A", "192.0.2.80")
    for value in ("1 one", "2 two.labels", "3 three.", "4    spaced.example."):
        tree.record(lark, "targets", "MX", value)
    tree.record(lark, "null", "MX", "0 .")
    tree.record(lark, "cut", "NS", "ns")
    tree.record(lark, "ns.cut", "A", "192.0.2.53")
    tree.record(lark, "deep.cname", "CNAME", "a.b")
    tree.record(lark, "typed", "A", "192.0.2.1", layout="type")
    tree.record(lark, "flat", "A", ["192.0.2.2", "192.0.2.3"], layout="flat", marker="no data")
    tree.record(lark, "dkim", "TXT", DKIM)
    tree.record(lark, "odd", "TXT", 'a, "b"; c\\d (e) $f @g')
    tree.record(lark, "strings", "TXT", '"one" "two; three"')
    tree.record(lark, "foreign", "A", "192.0.2.4", zone_name="tern.example")
    tree.record(lark, "bad", "A", "192.0.2.400")
    tree.record(lark, "_sip._tcp", "SRV", "1 2 5060 sip")
    tree.record(lark, "@", "CAA", '0 issue "ca2e.com"')
    tree.record(lark, "new", "TYPE65280", "TYPE65280 \\# 2 0A0B", attribute="unknownRecord")
    tree.record(lark, "six", "AAAA", "2001:db8::1", pointer="2001:db8::1")
    tree.record(lark, "outside", "A", "203.0.113.3", pointer="203.0.113.3")
    tree.record(lark, "named", "A", "192.0.2.5", pointer="byname.chalk.test")


def build(box, name, catch_all):
    """The sample and the additions as one LDIF file."""
    with open(os.path.join(servers.SRCDIR, "tests/data/sample.ldif"), encoding="latin-1") as f:
        sample = f.read()
    if catch_all:
        sample = sample.replace("ispmanVal: none\nispmanQuestion: target", "ispmanVal: www \nispmanQuestion: target")
    tree = ispman_ldif.Tree()
    # The entries that the sample has already.
    present = [line[4:] for line in sample.splitlines() if line.startswith("dn: ")]
    additions(tree)
    for dn in present:
        tree.entries.pop(ispman_ldif.dn_key(dn.encode()), None)
    return box.write(name, sample.encode("latin-1") + b"\n" +
                     tree.octets().replace(b"version: 1\n", b"", 1))


def check_table(t, named, title, table):
    for name, rrtype, rcode, answers in table:
        got = named.query(name, rrtype)
        t.same((got.rcode, got.answers()), (rcode, answers), "%s: %s %s" % (title, name, rrtype))


def check_details(t, named, title):
    """TTLs, authority, referrals."""
    def records(section):
        return sorted(repr(record) for record in section)

    got = named.query("multi.tern.example", "A")
    t.same({r.ttl for r in got.answer}, {300}, title + ": the lowest dNSTTL of a set counts")
    got = named.query("www.tern.example", "A")
    t.same({r.ttl for r in got.answer}, {86400}, title + ": the SOA minimum is the default TTL")
    got = named.query("lists.tern.example", "A")
    t.same((got.aa, records(got.authority)),
           (True, ["tern.example. 86400 " + SOA]), title + ": no data, said with the SOA")
    got = named.query("x.sub.tern.example", "A")
    t.same((got.rcode, got.aa, records(got.answer), records(got.authority)),
           ("NOERROR", False, [], ["sub.tern.example. 86400 NS ns.partner.example."]),
           title + ": a referral below the cut")
    got = named.query("sub.heron.example", "A")
    t.same(records(got.authority), ["sub.heron.example. 86400 NS ns.partner.example."],
           title + ": a referral of the replica")
    got = named.query("cut.lark.example", "NS")
    t.same((got.aa, records(got.authority)),
           (False, ["cut.lark.example. 3600 NS ns.lark.example."]),
           title + ": a one-label NS target is relative")
    got = named.query("2.0.192.in-addr.arpa", "SOA")
    t.same([r.rdata[-16:].hex() for r in got.answer],
           ["".join("%08x" % n for n in (10800, 900, 604800, 86400))],
           title + ": the SOA of a computed reverse zone")
    got = named.query("41.2.0.192.in-addr.arpa", "PTR")
    t.same({r.ttl for r in got.answer}, {86400}, title + ": the TTL of a computed PTR")


def check_transfer(t, named, refusing, title):
    rcode, records = dnsclient.axfr(named.address, "heron.example")
    texts = [record.text() for record in records]
    t.same((rcode, [r.type for r in records[:1] + records[-1:]]), ("NOERROR", [6, 6]),
           title + ": a transfer begins and ends with the SOA")
    want = sorted("%s %s" % (owner + "heron.example.", data) for owner, data in (
        ("", SOA), ("", "NS ns1.isp.example."), ("", "NS ns2.isp.example."), ("", "A 192.0.2.31"),
        ("", "MX 10 mx1.isp.example."), ("", 'TXT "v=spf1 mx -all"'),
        ("*.", "CNAME www.heron.example."), ("ext.", "CNAME host.partner.example."),
        ("shop.", "CNAME www.heron.example."), ("lists.", "MX 10 mail.heron.example."),
        ("mail.", "A 192.0.2.41"), ("multi.", "A 192.0.2.61"), ("multi.", "A 192.0.2.62"),
        ("sub.", "NS ns.partner.example."), ("www.", "A 192.0.2.31"), ("www.", "AAAA 2001:db8::31")))
    t.same(sorted(texts[:-1]), want, title + ": a transfer holds the whole zone, once")
    rcode, records = dnsclient.axfr(refusing.address, "heron.example")
    t.same((rcode, records), ("REFUSED", []), title + ": no transfer unless allowed")


def run(t, box, title, catch_all, cached):
    named = box.named(dlz=cached, dlz_arguments="allow-transfer=127.0.0.1", options="minimal-responses yes;")
    if catch_all:
        check_table(t, named, title, CATCH_ALL)
    else:
        refusing = box.named(dlz=cached, options="minimal-responses yes;")
        check_table(t, named, title, SAMPLE)
        check_table(t, named, title, ADDED)
        check_details(t, named, title)
        check_transfer(t, named, refusing, title)
        box.release(refusing)
    box.release(named, cached)


def main():
    why = servers.missing("named", "cached", "ispmanctl", "module")
    if why:
        tap.skip_all(why)
    t = tap.Tap()
    settings = {"dns": {"reverse-prefixes": "192.0.2.0/24 2001:db8::/32"}}
    with servers.Sandbox("golden") as box:
        for catch_all in (False, True):
            ldif = build(box, "tree%d.ldif" % catch_all, catch_all)
            os.chmod(ldif, 0o600)
            run(t, box, "LDIF" + (", catch-all" if catch_all else ""), catch_all,
                box.cached("ldif:" + ldif, settings=settings))
            why = servers.missing("slapd")
            if why:
                t.skip("the same from slapd", why)
                continue
            slapd = box.slapd(ldif=ldif)
            run(t, box, "slapd" + (", catch-all" if catch_all else ""), catch_all,
                box.cached(slapd=slapd, settings=settings))
            box.release(slapd)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
