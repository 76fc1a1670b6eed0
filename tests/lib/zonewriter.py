# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Writes a zonemodel.Universe as a directory and as native zone files.

write_directory() goes first: where two records would need one DN it drops one of them from the
model, and it decides what entries look like (which layout, whose TTL). native_zones() then says what
that means.
"""

import os

import dnsclient
import ispman_ldif
import rdatagen
import zonemodel

SETTINGS = {"primaryDNS": "ns1.isp.test", "secondaryDNS": "ns2.isp.test.",
            "dnsMasterEmail": "hostmaster.isp.test"}
UNKNOWN = "unknownRecord"


class DirectoryWriter:
    """STRICT writes only what slapd stores with ISPMan's schema."""

    def __init__(self, universe, rng, strict=False):
        self.universe, self.rng, self.strict = universe, rng, strict
        self.count = universe.count
        self.tree = ispman_ldif.Tree(limited=strict)

    def write(self):
        universe = self.universe
        for variable, value in SETTINGS.items():
            self.tree.setting(variable, value)
        if universe.catch_all is not None:
            self.tree.setting("catchAllCNAME",
                              ".".join(dnsclient.label_text(x) for x in universe.catch_all) + " ")
        elif self.rng.random() < 0.5:
            self.tree.setting("catchAllCNAME", "none")
        for zone in universe.zones:
            name = self._recased(zone.text)
            if zone.kind == "replica":
                self.tree.domain(name, self._recased("replica", 0.1),
                                 master=self._recased(zone.master.text))
            else:
                self.tree.domain(name, self._recased("primary", 0.1))
                self._zone(zone)
        self._unserved()

    # --- spelling -----------------------------------------------------------------------------

    def _recased(self, text, chance=0.3):
        if self.rng.random() > chance:
            return text
        return "".join(self.rng.choice((c.upper(), c.lower())) for c in text)

    def _owner(self, owner, zone):
        if not owner:
            return "@"
        text = ".".join(rdatagen.spell_label(label, self.rng) for label in owner)
        if self.rng.random() < 0.03:
            self.count["absolute owner"] += 1
            return text + "." + zone.text + "."
        return self._recased(text, 0.1) if "\\" not in text else text

    def _attribute(self, rrtype):
        attribute = ispman_ldif.attribute_of(rrtype)
        if rrtype.startswith("TYPE") and (self.strict or self.rng.random() < 0.5):
            return UNKNOWN
        return self._recased(attribute, 0.05)

    def _value(self, record, rrtype, attribute):
        value = record.ldap(self.rng)
        if attribute == UNKNOWN:
            return rrtype + " " + value
        if rrtype in ("A", "MX") and self.rng.random() < 0.03:
            self.count["blanks around a value"] += 1
            return value.replace(" ", "   ") + " "
        return value

    # --- zones --------------------------------------------------------------------------------

    def _zone(self, zone):
        rng = self.rng
        self.soa(zone)
        for owner, sets in zone.nodes.items():
            if rng.random() < 0.05 and len(sets) > 1:
                self._several_types(zone, owner, sets)
        self.records(zone)
        self._noise(zone)

    def soa(self, zone):
        rng = self.rng
        mname, rname, serial, times = zone.soa
        soa = " ".join((mname.ldap(rng), rname.ldap(rng), serial) + tuple(t[1] for t in times))
        zone.soa_dn = self.tree.record(self._recased(zone.text), "@", "SOA", soa, zone.soa_ttl,
                                       layout=rng.choice(("branch", "branch", "type")))

    def records(self, zone):
        """Writes the records that are not in the tree yet; those without a place leave the model."""
        for owner in list(zone.nodes):
            sets = zone.nodes[owner]
            for rrtype in list(sets):
                self._set(zone, owner, rrtype, sets)
                if not sets[rrtype]:
                    del sets[rrtype]
            if not sets:
                del zone.nodes[owner]

    def _set(self, zone, owner, rrtype, sets):
        """The entries of one set."""
        rng = self.rng
        records = [record for record in sets[rrtype] if record.dn is None]
        if len(records) > 1 and rrtype != "TXT" and rng.random() < 0.15:
            self._several_values(zone, owner, rrtype, sets, records)
            return
        for record in records:
            attribute = self._attribute(rrtype)
            value = self._value(record, rrtype, attribute)
            layouts = ["branch"] if rng.random() < 0.8 else ["type", "flat"]
            layouts += ["type", "flat"]
            for layout in layouts:
                if layout == "flat" and rrtype in ("TXT", "SOA"):
                    continue
                marker = None
                if rrtype in ("A", "CNAME") and rng.random() < 0.1:
                    marker = "ispmanVirtualHost:www." + zone.text
                record.dn = self.tree.record(
                    self._recased(zone.text), self._owner(owner, zone), rrtype, value, record.ttl, layout,
                    record.pointer, marker, rng.randrange(4), attribute=attribute)
                if record.dn:
                    self.count["layout " + layout] += 1
                    self.count["marker that is no TXT"] += marker is not None
                    self.count["dNSTTL"] += record.ttl is not None
                    break
            else:
                sets[rrtype].remove(record)

    def _several_values(self, zone, owner, rrtype, sets, records):
        """One entry with many values: one TTL, and at most one marker."""
        attribute = self._attribute(rrtype)
        values, seen = [], set()
        for record in list(records):
            value = self._value(record, rrtype, attribute)
            # Values of one attribute differ in more than case and blanks.
            key = b" ".join(ispman_ldif.octets(value).lower().split())
            record.ttl, record.pointer = records[0].ttl, records[0].pointer
            if key in seen:
                sets[rrtype].remove(record)
            else:
                seen.add(key)
                values.append(value)
        for layout in ("type", "flat") if self.rng.random() < 0.5 else ("flat", "type"):
            dn = self.tree.record(self._recased(zone.text), self._owner(owner, zone), rrtype, values,
                                  records[0].ttl, layout, records[0].pointer, attribute=attribute)
            if dn:
                self.count["entry of several values"] += 1
                self.count["dNSTTL"] += records[0].ttl is not None
                for record in sets[rrtype]:
                    record.dn = record.dn or dn
                return
        sets[rrtype][:] = [record for record in sets[rrtype] if record.dn]

    def _several_types(self, zone, owner, sets):
        """One flat entry that holds a value of each of several types."""
        chosen = [(rrtype, records[0]) for rrtype, records in sets.items()
                  if rrtype not in ("TXT", "SOA")]
        if len(chosen) < 2:
            return
        attributes, ttl = [], chosen[0][1].ttl
        for rrtype, record in chosen:
            attribute = self._attribute(rrtype)
            attributes.append((attribute, self._value(record, rrtype, attribute)))
            record.ttl, record.pointer = ttl, None
        if ttl is not None:
            attributes.append(("dNSTTL", ttl))
        dn = self.tree.entry(zone.text, self._owner(owner, zone), attributes,
                             self.tree.zone_node(zone.text), [rrtype for rrtype, _ in chosen])
        if dn:
            self.count["entry of several types"] += 1
            for _, record in chosen:
                record.dn = dn

    # --- what must have no effect ---------------------------------------------------------------

    def _noise(self, zone):
        rng, tree = self.rng, self.tree

        def put(what, owner, rrtype, value, **more):
            more.setdefault("layout", rng.choice(("branch", "type")))
            if tree.record(more.pop("zone", zone.text), owner, rrtype, value, **more):
                self.count["refused: " + what] += 1

        if rng.random() < 0.6:
            put("bad data", "bad-a", "A", rng.choice(("192.0.2.256", "192.0.2", "host", "1.2.3.4 5")))
            put("bad data", "bad-mx", "MX", rng.choice(("mail", "10", "x mail", "70000 mail")))
            put("bad data", "bad-cname", "CNAME", rng.choice(("a..b", "x" * 64, "a b")))
            put("bad data", "bad-aaaa", "AAAA", rng.choice(("192.0.2.1", "::g")))
        if rng.random() < 0.6:
            put("wildcard NS", "*.wns", "NS", "ns1.outside.invalid.")
        if rng.random() < 0.6:
            put("bad owner", rng.choice(("a..b", "x" * 64, ".a", "a\\256")), "A", "192.0.2.9")
        if rng.random() < 0.6:
            put("owner outside the zone", "www.elsewhere.invalid.", "A", "192.0.2.9")
        if rng.random() < 0.6:
            put("marker below the zone node", "flat-txt", "TXT", "no data", layout="flat")
        if rng.random() < 0.6:
            other = rng.choice(self.universe.zones)
            # A child zone's node lies below its parent's too: the parent's name there is no lie.
            if zone.origin[-len(other.origin):] != other.origin:
                put("foreign zoneName", "foreign", "A", "192.0.2.9", zone_name=other.text)
            put("unknown zoneName", "foreign2", "A", "192.0.2.9", zone_name="nowhere.invalid")
        if rng.random() < 0.4 and not self.strict:
            parent = tree.branch("ou", "aRecord", tree.zone_node(zone.text))
            tree.add(b"relativeDomainName=classless," + parent,
                     [("objectClass", "ispmanBranch"), ("relativeDomainName", "classless"),
                      ("zoneName", zone.text), ("aRecord", "192.0.2.9")])
            self.count["refused: no dNSZone"] += 1

    def _unserved(self):
        """Domains that are no zones of ours, with data all the same."""
        rng, tree = self.rng, self.tree
        parents = [zone.text for zone in self.universe.zones if zone.kind == "primary"]
        for i, kind in enumerate(("nodns", "slave", "primary", None)):
            name = "u%d.%s" % (i, rng.choice(parents + ["test"]))
            if kind is not None:
                tree.domain(name, kind, masters="198.51.100.1 198.51.100.2" if kind == "slave" else None)
            if kind != "primary":
                tree.record(name, "@", "SOA", "ns1.isp.test. hostmaster.isp.test. 1 1H 1H 1W 1H")
            tree.record(name, "@", "NS", "ns1.isp.test.")
            tree.record(name, "www", "A", "192.0.2.77")
            self.universe.unserved.append(dnsclient.name_from_text(name))
            self.count["not served: " + (kind or "no domain entry")] += 1
            if kind in ("nodns", "slave") and rng.random() < 0.7:
                tree.domain("u%d-replica.test" % i, "replica", master=name)
                self.count["not served: replica of " + kind] += 1
        replicas = [zone for zone in self.universe.zones if zone.kind == "replica"]
        if replicas:
            tree.domain("u9.test", "replica", master=rng.choice(replicas).text)
            self.count["not served: replica of a replica"] += 1
        tree.domain("u10.test", "replica", master="nowhere.invalid")


def write_directory(universe, strict=False):
    """The universe as a tree: returns the writer, whose tree may be changed later (zonechange.py)."""
    writer = DirectoryWriter(universe, universe.rng, strict)
    writer.write()
    return writer


# --- native zones ----------------------------------------------------------------------------


def default_ttl(ttl, zone):
    return zone.minimum if ttl is None else ttl


def zone_file(zone, master, universe):
    """The zone's file as text. MASTER holds the data: the zone itself, or a replica's master."""
    lines = []

    def line(owner, ttl, rrtype, data):
        lines.append("%s %d IN %s %s\n" % (dnsclient.name_text(owner + zone.origin), ttl, rrtype, data))

    mname, rname, serial, times = master.soa
    line((), default_ttl(master.soa_ttl, master), "SOA", " ".join(
        (mname.native(()), rname.native(()), serial) + tuple(t[0] for t in times)))
    for owner, rrtype, records in master.records():
        if not dnsclient.name_fits(owner + zone.origin):
            continue
        records = [record for record in records
                   if record.bare is not None or rdatagen.fits(record.parts, zone.origin)]
        if records:
            ttl = min(default_ttl(record.ttl, master) for record in records)
            for record in records:
                line(owner, ttl, rrtype, record.native(zone.origin))
    catch_all = universe.catch_all
    if (catch_all is not None and "A" in master.nodes.get(catch_all, {}) and
            not master.nodes.get((b"*",))):
        universe.count["catch-all"] += 1
        line((b"*",), master.minimum, "CNAME", dnsclient.name_text(catch_all + zone.origin))
    for owner, targets in computed_gaps(zone, universe).items():
        for target in sorted(targets):
            line(owner, master.minimum, "PTR", dnsclient.name_text(target))
        universe.count["computed PTR in a hosted zone"] += 1
    return "".join(lines)


def pointers(universe):
    """Address name → set of PTR targets, for what lies inside the prefixes."""
    out = {}
    for zone in universe.zones + universe.retired:
        for owner, _, records in zone.records():
            for record in records:
                if record.pointer is not None and zonemodel.inside_prefixes(record.pointer):
                    out.setdefault(zonemodel.reverse_name(record.pointer),
                                   set()).add(owner + zone.origin)
    return out


def computed_gaps(zone, universe):
    """What a hosted reverse zone gets beside its own data: owner → targets."""
    out = {}
    for name, targets in pointers(universe).items():
        if len(name) > len(zone.origin) and name[-len(zone.origin):] == zone.origin:
            owner = name[:-len(zone.origin)]
            standing = (zone.master or zone).nodes.get(owner, {})
            # What an admin wrote down goes first.
            if (longest_zone(universe, name) is zone and "PTR" not in standing and
                    "CNAME" not in standing):
                out[owner] = targets
    return out


def longest_zone(universe, name):
    best = None
    for zone in universe.zones:
        n = len(zone.origin)
        if name[-n:] == zone.origin and (best is None or n > len(best.origin)):
            best = zone
    return best


def computed_zones(universe):
    """Origin → file text of the reverse zones that nobody hosts."""
    zones = {}
    for origin in zonemodel.reverse_origins():
        if longest_zone(universe, origin) is None:
            zones[origin] = ["%s %d IN %s\n" % (dnsclient.name_text(origin), zonemodel.REVERSE_TTL, data)
                             for data in ("SOA ns1.isp.test. hostmaster.isp.test. 1 10800 900 604800 86400",
                                          "NS ns1.isp.test.", "NS ns2.isp.test.")]
            universe.count["computed reverse zone"] += 1
    for name, targets in pointers(universe).items():
        if longest_zone(universe, name) is not None:
            continue
        origin = next(o for o in zones if name[-len(o):] == o)
        for target in sorted(targets):
            zones[origin].append("%s %d IN PTR %s\n" % (dnsclient.name_text(name), zonemodel.REVERSE_TTL,
                                                        dnsclient.name_text(target)))
            universe.count["computed PTR, IPv%d" % (4 if name[-2] == b"in-addr" else 6)] += 1
        if len(targets) > 1:
            universe.count["several PTR of one address"] += 1
    return {origin: "".join(lines) for origin, lines in zones.items()}


def native_zones(universe):
    """{origin: zone file text} of all zones that are to be served."""
    zones = {zone.origin: zone_file(zone, zone.master or zone, universe) for zone in universe.zones}
    zones.update(computed_zones(universe))
    return zones


def native_conf(zones, folder):
    """Writes the files below FOLDER; returns the zone statements."""
    os.makedirs(folder, exist_ok=True)
    out = []
    for i, (origin, text) in enumerate(sorted(zones.items())):
        path = os.path.join(folder, "zone%d" % i)
        with open(path, "w", encoding="latin-1") as f:
            f.write(text)
        out.append('zone "%s" { type primary; file "%s"; check-integrity no; };\n' % (
            dnsclient.name_text(origin), path))
    return "".join(out)
