# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""RFC 4592's own example zone, its rules, and mistakes that other servers made with wildcards.

Each row says what a correct server answers; named with native zones is asked too, which checks the rows.
"""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import servers
import tap
import twosides

ZONES = {
    # RFC 4592 2.2.1.
    "example": [
        ("@", "NS", "ns.example.com."), ("@", "NS", "ns.example.net."),
        ("*", "TXT", '"this is a wildcard"'), ("*", "MX", "10 host1.example."),
        ("sub.*", "TXT", '"this is not a wildcard"'), ("host1", "A", "192.0.2.1"),
        ("_ssh._tcp.host1", "SRV", "0 0 22 host1.example."),
        ("_ssh._tcp.host2", "SRV", "0 0 22 host2.example."),
        ("subdel", "NS", "ns.example.com."), ("subdel", "NS", "ns.example.net."),
    ],
    # 4.9: the wildcard itself is empty.
    "empty.test": [("@", "NS", "ns.example.com."), ("sub.*", "TXT", '"x"'), ("a", "A", "192.0.2.1")],
    # 4.3: wildcards that are aliases, and aliases to what a wildcard makes.
    "alias.test": [
        ("@", "NS", "ns.example.com."), ("*.c", "CNAME", "www.alias.test."), ("www", "A", "192.0.2.2"),
        ("*.d", "TXT", '"d"'), ("to-d", "CNAME", "x.d.alias.test."),
        ("to-star", "CNAME", "*.d.alias.test."), ("below-star", "CNAME", "x.*.d.alias.test."),
        ("*.e", "CNAME", "y.d.alias.test."), ("*.loop", "CNAME", "z.loop.alias.test."),
    ],
    # Several levels, a cut under a wildcard, a wildcard DNAME, a wildcard beside deep names.
    "deep.test": [
        ("@", "NS", "ns.example.com."), ("*", "TXT", '"top"'), ("*.b.w", "TXT", '"b.w"'),
        ("*.*.*.n", "A", "192.0.2.3"), ("cut.s", "NS", "ns.example.com."), ("*.s", "A", "192.0.2.4"),
        ("wcut", "NS", "ns.wcut.deep.test."), ("*.wcut", "A", "192.0.2.8"),
        ("both", "NS", "ns.both.deep.test."), ("both", "DNAME", "elsewhere.test."),
        ("ns.both", "A", "192.0.2.7"), ("*.wdn", "DNAME", "deep.test."), ("selector._domainkey.mail", "TXT", '"k"'),
        ("a.b.c.d.e", "A", "192.0.2.5"), ("*.five", "A", "192.0.2.6"),
    ],
    "8.b.d.0.1.0.0.2.ip6.arpa": [
        ("@", "NS", "ns.example.com."), ("*", "PTR", "any.example."),
        ("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0", "PTR", "one.example."),
    ],
}

NODATA = ("NOERROR", [])
NXDOMAIN = ("NXDOMAIN", [])

# (why, name, type, (rcode, answers without owner)); a rcode of "referral" is NOERROR without AA.
ROWS = [
    ("synthesised", "host3.example", "MX", ("NOERROR", ["MX 10 host1.example."])),
    ("the wildcard has no A", "host3.example", "A", NODATA),
    ("bar does not exist", "foo.bar.example", "TXT", ("NOERROR", ['TXT "this is a wildcard"'])),
    ("host1 exists", "host1.example", "MX", NODATA),
    ("sub.* exists", "sub.*.example", "MX", NODATA),
    ("sub.* exists", "sub.*.example", "TXT", ("NOERROR", ['TXT "this is not a wildcard"'])),
    ("the encloser has no wildcard", "_telnet._tcp.host1.example", "SRV", NXDOMAIN),
    ("below a cut", "host.subdel.example", "A", ("referral", [])),
    ("an asterisk label is an ordinary one", "ghost.*.example", "MX", NXDOMAIN),
    ("below an asterisk label", "foobar.*.example", "TXT", NXDOMAIN),
    ("the wildcard asked for itself", "*.example", "TXT", ("NOERROR", ['TXT "this is a wildcard"'])),
    ("the wildcard asked for itself", "*.example", "A", NODATA),
    ("below host2, which is empty", "_dns._udp.host2.example", "SRV", NXDOMAIN),
    ("the apex is the encloser", "_telnet._tcp.host3.example", "MX",
     ("NOERROR", ["MX 10 host1.example."])),
    ("the apex is the encloser", "_chat._udp.host3.example", "TXT",
     ("NOERROR", ['TXT "this is a wildcard"'])),
    ("ANY of what is synthesised", "host3.example", "ANY",
     ("NOERROR", ["MX 10 host1.example.", 'TXT "this is a wildcard"'])),
    ("an empty wildcard", "foo.empty.test", "TXT", NODATA),
    ("an empty wildcard, everything", "foo.empty.test", "ANY", NODATA),
    ("an empty wildcard, deeper", "foo.bar.empty.test", "A", NODATA),
    ("an empty wildcard by its name", "*.empty.test", "A", NODATA),
    ("no wildcard below a name", "foo.a.empty.test", "A", NXDOMAIN),
    ("a wildcard alias", "x.c.alias.test", "A", ("NOERROR", ["A 192.0.2.2", "CNAME www.alias.test."])),
    ("a wildcard alias, asked for", "x.c.alias.test", "CNAME", ("NOERROR", ["CNAME www.alias.test."])),
    ("an alias to what is synthesised", "to-d.alias.test", "TXT",
     ("NOERROR", ["CNAME x.d.alias.test.", 'TXT "d"'])),
    ("an alias to the wildcard's name", "to-star.alias.test", "TXT",
     ("NOERROR", ["CNAME *.d.alias.test.", 'TXT "d"'])),
    ("an alias to below an asterisk", "below-star.alias.test", "TXT",
     ("NXDOMAIN", ["CNAME x.*.d.alias.test."])),
    ("a wildcard alias to another wildcard", "q.e.alias.test", "TXT",
     ("NOERROR", ["CNAME y.d.alias.test.", 'TXT "d"'])),
    ("a wildcard alias without the type", "q.e.alias.test", "A", ("NOERROR", ["CNAME y.d.alias.test."])),
    ("the encloser is w", "foo.c.w.deep.test", "TXT", NXDOMAIN),
    ("the encloser is b.w", "foo.c.b.w.deep.test", "TXT", ("NOERROR", ['TXT "b.w"'])),
    ("an empty name beside a wildcard", "w.deep.test", "TXT", NODATA),
    ("wildcards of wildcards", "x.*.*.n.deep.test", "A", ("NOERROR", ["A 192.0.2.3"])),
    ("an empty wildcard of a wildcard", "x.y.z.n.deep.test", "A", NODATA),
    ("a wildcard above a cut", "x.s.deep.test", "A", ("NOERROR", ["A 192.0.2.4"])),
    ("a cut under a wildcard", "x.cut.s.deep.test", "A", ("referral", [])),
    ("a wildcard DNAME renames nothing below", "a.foo.wdn.deep.test", "A", NODATA),
    ("beside a deep name", "mail.deep.test", "TXT", NODATA),
    ("beside a deep name", "_domainkey.mail.deep.test", "TXT", NODATA),
    ("beside a deep name", "x._domainkey.mail.deep.test", "TXT", NXDOMAIN),
    ("below an existing sibling subtree", "x.d.e.deep.test", "TXT", NXDOMAIN),
    ("five levels below a wildcard", "1.2.3.4.5.five.deep.test", "A", ("NOERROR", ["A 192.0.2.6"])),
    ("a wildcard beside 23 empty levels", "2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"
     ".8.b.d.0.1.0.0.2.ip6.arpa", "PTR", NXDOMAIN),
    ("a wildcard beside 23 empty levels", "1.8.b.d.0.1.0.0.2.ip6.arpa", "PTR",
     ("NOERROR", ["PTR any.example."])),
    ("an empty level", "0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "PTR", NODATA),
]

# Empty non-terminals, for every type.
for ent in ("host2.example", "_tcp.host1.example", "_tcp.host2.example", "b.w.deep.test", "e.deep.test",
            "d.e.deep.test", "n.deep.test", "*.n.deep.test"):
    for rrtype in ("A", "TXT", "NS", "CNAME", "DNAME", "SOA", "DS", "ANY", "TYPE65280"):
        ROWS.append(("an empty non-terminal", ent, rrtype, NODATA))


def main():
    why = servers.missing("named", "cached", "ispmanctl", "module")
    if why:
        tap.skip_all(why)
    t = tap.Tap()
    with servers.Sandbox("rfc4592") as box:
        ours, native = twosides.start(box, ZONES)
        for why, name, rrtype, want in ROWS:
            for server in (native, ours):
                got = server.query(name, rrtype)
                rcode = ("referral" if got.rcode == "NOERROR" and not got.aa and not got.answer
                         else got.rcode)
                t.same((rcode, got.answers()), want, "%s: %s, %s %s" % (server.name, why, name, rrtype))
            t.same(twosides.said(ours.query(name, rrtype)), twosides.said(native.query(name, rrtype)),
                   "alike: %s %s" % (name, rrtype))
        # At a cut a DNAME counts for nothing, also on the way to the glue below.
        for server in (native, ours):
            got = server.query("x.both.deep.test", "A")
            t.same((got.answers(), [record.text() for record in got.authority + got.additional]),
                   ([], ["both.deep.test. NS ns.both.deep.test.", "ns.both.deep.test. A 192.0.2.7"]),
                   server.name + ": a cut that has a DNAME too")
        # What a wildcard below a cut would make is no glue.
        for server in (native, ours):
            got = server.query("x.wcut.deep.test", "A")
            t.same([record.text() for record in got.authority + got.additional],
                   ["wcut.deep.test. NS ns.wcut.deep.test."], server.name + ": a wildcard below a cut")
        # A loop ends, and in the same way.
        t.same(twosides.said(ours.query("a.loop.alias.test", "A")),
               twosides.said(native.query("a.loop.alias.test", "A")), "alike: a loop through a wildcard")
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
