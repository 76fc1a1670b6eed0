# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Every octet may stand in a label, and a name may be as long as names get.

The same zones in named with our module and in named with native zones: queries and whole transfers agree.
"""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import dnsclient
import servers
import tap
import twosides

NS = ("@", "NS", "ns.outside.invalid.")
OCTETS = [octet for octet in range(256) if not 0x41 <= octet <= 0x5A]
CONTEXTS = {"alone": b"%s", "first": b"%sx", "last": b"x%s", "within": b"x%sy"}


def text(name):
    return dnsclient.name_text(name)[:-1]


def long_owner(zone, octets, filler):
    """An owner that makes the whole name OCTETS long."""
    labels = []
    room = octets - len(dnsclient.name_wire(dnsclient.name_from_text(zone)))
    while room > 0:
        n = min(63, room - 1)
        if room - n - 1 == 1:
            n -= 1  # no single octet may remain
        labels.append(filler * n)
        room -= n + 1
    return tuple(labels)


def octet_zone():
    records = [NS]
    for octet in OCTETS:
        for i, pattern in enumerate(CONTEXTS.values()):
            label = pattern.replace(b"%s", bytes([octet]))
            records.append((text((label,)), "A", "192.0.%d.%d" % (i, octet)))
        records.append((text((b"t%d" % octet,)), "TXT", '"%s"' % ("\\%03d" % octet)))
        records.append((text((b"c%d" % octet,)), "CNAME", text((bytes([octet]),)) + ".octets.test."))
    return records


def long_zone():
    zone = "long.test"
    deepest = (255 - len(dnsclient.name_wire(dnsclient.name_from_text(zone)))) // 2
    return [
        NS, (text(long_owner(zone, 255, b"a")), "A", "192.0.2.1"),
        (text(long_owner(zone, 254, b"b")), "A", "192.0.2.2"),
        (text((b"d",) * deepest), "A", "192.0.2.3"),
        (text(long_owner(zone, 255, b"\0")), "TXT", '"every octet escaped"'),
        ("*.w", "TXT", '"w"'), ("dn", "DNAME", "a-longer-name.dn2.long.test."),
        (text((b"l" * 63,)), "MX", "10 %s." % text(long_owner("test", 255, b"m") + (b"test",))),
    ]


ZONES = {"octets.test": octet_zone(), "long.test": long_zone(),
         "wild.test": [NS, ("*", "TXT", '"wild"'), ("*.n", "A", "192.0.2.1")]}


def same(t, ours, native, questions, title):
    """One result for all QUESTIONS; the first few that differ are shown."""
    wrong = []
    found = 0
    for name, rrtype in questions:
        a, b = ours.query(name, rrtype), native.query(name, rrtype)
        found += bool(b.answer)
        if twosides.said(a) != twosides.said(b):
            wrong.append("ours\n%s\nnative\n%s" % (a, b))
    return t.ok(not wrong and questions, "%s: %d questions, %d with answers" % (
        title, len(questions), found), "%d differ\n%s" % (len(wrong), "\n".join(wrong[:3])))


def main():
    why = servers.missing("named", "cached", "ispmanctl", "module")
    if why:
        tap.skip_all(why)
    t = tap.Tap()
    octets_zone, long, wild = (dnsclient.name_from_text(zone) for zone in ZONES)
    with servers.Sandbox("labels") as box:
        ours, native = twosides.start(box, ZONES)
        for context, pattern in CONTEXTS.items():
            same(t, ours, native, [((pattern.replace(b"%s", bytes([octet])),) + octets_zone, "A")
                                   for octet in range(256)], "an octet %s in a label" % context)
        same(t, ours, native, [((b"t%d" % octet,) + octets_zone, "TXT") for octet in OCTETS],
             "an octet in text")
        same(t, ours, native, [((b"c%d" % octet,) + octets_zone, "A") for octet in OCTETS],
             "an octet in a target, which is followed")
        same(t, ours, native, [((bytes([octet]),) + wild, rrtype) for octet in range(256)
                               for rrtype in ("TXT", "A")], "an octet under a wildcard")
        same(t, ours, native, [((bytes([octet]), b"x", b"n") + wild, "A") for octet in range(256)],
             "an octet above what a wildcard matches")
        same(t, ours, native, [((bytes([octet]), b"*") + wild, "TXT") for octet in range(256)],
             "an octet below an asterisk")
        names = [dnsclient.name_from_text(owner) + long for owner, _, _ in ZONES["long.test"]
                 if owner != "@"]
        names += [name[1:] for name in names if name[1:]]
        names += [long_owner("w.long.test", n, b"q") + (b"w",) + long for n in range(240, 256)]
        names += [long_owner("dn.long.test", n, b"q") + (b"dn",) + long for n in range(220, 256)]
        same(t, ours, native, [(name, rrtype) for name in names for rrtype in ("A", "TXT", "MX", "ANY")],
             "names of up to 255 octets")
        for zone in ZONES:
            got, want = dnsclient.axfr(ours.address, zone), dnsclient.axfr(native.address, zone)
            t.ok(got[0] == want[0] == "NOERROR" and sorted(got[1]) == sorted(want[1]),
                 "transfer of %s: %d records" % (zone, len(want[1])),
                 "missing %r\nextra %r" % (list(set(want[1]) - set(got[1]))[:5],
                                           list(set(got[1]) - set(want[1]))[:5]))
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
