# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""What the differential test asks about a zonemodel.Universe.

Every owner name and every ancestor of one, names one to three labels below, siblings, wildcard literals,
and garbage; of each the usual types, the types that stand there, and some at random.
"""

import struct

import dnsclient
import rdatagen
import zonemodel
import zonewriter

ALWAYS = ("A", "TXT", "ANY", "NS", "CNAME", "DNAME")
OFTEN = ("AAAA", "SOA", "MX", "SRV", "PTR", "DS", "TYPE65280", "CAA")
OTHERS = tuple(rdatagen.MAKERS) + ("NSEC", "RRSIG", "DNSKEY", "NSEC3", "NULL", "TYPE0", "TYPE65534",
                                   "CDS", "SIG", "NXT", "SPF", "UNSPEC", "KEY")
# TYPE0 and the meta types from TKEY to AXFR are no questions about data.
OTHERS = tuple(t for t in OTHERS if t != "TYPE0")


def interesting_names(universe, rng):
    """(names that the data speaks of, names near them), each {name: types that may stand there}."""
    spoken, near = {}, {}

    def note(names, name, types=()):
        if name and dnsclient.name_fits(name) and (names is spoken or name not in spoken):
            names.setdefault(name, set()).update(types)

    for zone in universe.zones + universe.retired:
        data = zone.master or zone
        note(spoken, zone.origin, ("SOA", "NS"))
        for owner, sets in data.nodes.items():
            note(spoken, owner + zone.origin, sets)
            for records in sets.values():
                for record in records[:3]:
                    for part in record.parts or ():
                        if isinstance(part, rdatagen.Name):
                            note(spoken, part.absolute(zone.origin))
    for name in zonewriter.pointers(universe):
        note(spoken, name, ("PTR",))
    for name in zonemodel.reverse_origins():
        note(spoken, name, ("SOA", "NS"))
        note(near, (b"%d" % rng.randrange(256),) + name)
    for name in universe.unserved:
        note(spoken, name)
    for name in list(spoken):
        for i in range(1, len(name)):
            note(spoken, name[i:])
    styles = ("tiny", "odd", "typed")
    for name in list(spoken):
        below = name
        for _ in range(rng.choice((1, 1, 2, 3))):
            below = (universe.label(rng.choice(styles)),) + below
            note(near, below)
        if rng.random() < 0.5:
            note(near, (b"*",) + name)
        note(near, (universe.label(rng.choice(styles)),) + name[1:])
        note(near, (b"*",) + name[1:])
        if rng.random() < 0.05:
            note(near, lengthened(name, rng))
    for _ in range(100):
        note(near, tuple(rng.randbytes(rng.randrange(1, 20)) for _ in range(rng.randrange(1, 6))))
    return spoken, near


def lengthened(name, rng):
    """As long as names get, or nearly: what a DNAME makes of it may no longer fit."""
    room = 254 - sum(len(label) + 1 for label in name) - rng.choice((0, 0, 0, 1, 5))
    while room > 1:
        n = min(63, room - 1)
        name = (rng.choice((b"l", b"*", b"\xff")) * n,) + name
        room -= n + 1
    return name


def recase(name, rng):
    return tuple(bytes(c ^ 0x20 if chr(c).isalpha() and c < 128 and rng.random() < 0.5 else c
                       for c in label) for label in name)


def write(universe, path, most, rng):
    """At most MOST questions for dnsdiff; returns how many there are."""
    spoken, near = interesting_names(universe, rng)
    synthesised = sorted({rrtype for zone in universe.zones for owner, sets in zone.nodes.items()
                          if owner[:1] == (b"*",) for rrtype in sets}) or ["A"]
    asked = []
    for names in (spoken, near):
        for name, standing in names.items():
            if names is spoken:
                types = {"A", "ANY"} | set(rng.sample(ALWAYS, 2) + rng.sample(OFTEN, 2) +
                                           rng.sample(OTHERS, 1))
            else:
                types = {rng.choice(ALWAYS), rng.choice(ALWAYS), rng.choice(OFTEN),
                         rng.choice(synthesised)}
            # What stands there: all of it, or enough of a node with dozens of types.
            types |= set(rng.sample(sorted(standing), min(len(standing), 12)))
            wire = dnsclient.name_wire(recase(name, rng) if rng.random() < 0.1 else name)
            asked += [(wire, dnsclient.type_number(rrtype)) for rrtype in sorted(types)]
    rng.shuffle(asked)
    del asked[most:]
    with open(path, "wb") as f:
        for wire, rrtype in asked:
            f.write(bytes([len(wire)]) + wire + struct.pack("!H", rrtype))
    return len(asked)
