# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Changes a zonemodel.Universe and its directory alike, as admins would: records come, go and change,
zones stop and start being served, the SOA is rewritten, settings change.

What was written stays as it is spelled, so that a follower of the directory sees just the changes.
"""

import ispman_ldif
import zonemodel


# The apex's own servers: without their addresses native zones do not load.
SERVERS = (b"ns0", b"ns1", b"ns2")


class Changer:
    def __init__(self, universe, writer):
        self.universe, self.writer, self.tree = universe, writer, writer.tree
        self.rng = universe.rng
        self.count = universe.count

    def change(self, amount=60):
        """About AMOUNT changes of records, and a few of zones."""
        rng = self.rng
        for _ in range(amount):
            zone = rng.choice([z for z in self.universe.zones if z.kind == "primary"])
            rng.choice((self.remove, self.remove, self.add, self.add, self.add, self.retime))(zone)
        for _ in range(3):
            self.rewrite_soa(rng.choice([z for z in self.universe.zones if z.kind == "primary"]))
        if self.universe.retired and rng.random() < 0.5:
            self.start_serving()
        elif rng.random() < 0.5:
            self.stop_serving()
        if rng.random() < 0.3:
            self.add_replica()
        if rng.random() < 0.3:
            self.set_catch_all()

    # --- records ------------------------------------------------------------------------------

    def _pick(self, zone):
        """A record whose entry may go: (owner, type, record), or None. The apex keeps its servers."""
        held = [(owner, rrtype, record) for owner, rrtype, records in zone.records()
                for record in records
                if not (rrtype == "NS" and not owner) and owner[-1:] not in ((s,) for s in SERVERS)]
        return self.rng.choice(held) if held else None

    def _same_entry(self, zone, dn):
        return [(owner, rrtype, record) for owner, rrtype, records in zone.records()
                for record in records if record.dn == dn]

    def remove(self, zone):
        picked = self._pick(zone)
        if picked is None:
            return
        dn = picked[2].dn
        together = self._same_entry(zone, dn)
        if any(rrtype == "NS" and not owner for owner, rrtype, _ in together):
            return
        self.tree.remove(dn)
        for owner, rrtype, record in together:
            sets = zone.nodes[owner]
            sets[rrtype].remove(record)
            if not sets[rrtype]:
                del sets[rrtype]
            if not sets:
                del zone.nodes[owner]
        self.count["change: record removed"] += 1

    def add(self, zone):
        owner = self.universe.owner(zone.style)
        if zone.origin[-1] == b"arpa" or self.rng.random() < 0.3:
            owners = [o for o in zone.nodes if o and o[-1] not in SERVERS]
            owner = self.rng.choice(owners) if owners else owner
        self.universe.add_node(zone, owner)
        self.writer.records(zone)
        self.count["change: node added"] += 1

    def retime(self, zone):
        """Another dNSTTL, or none."""
        picked = self._pick(zone)
        if picked is None:
            return
        ttl = self.rng.choice((None, 5, 50, 500))
        for _, _, record in self._same_entry(zone, picked[2].dn):
            record.ttl = ttl
        _, attributes = self.tree.entries[ispman_ldif.dn_key(picked[2].dn)]
        attributes[:] = [(name, value) for name, value in attributes if name != "dNSTTL"]
        if ttl is not None:
            attributes.append(("dNSTTL", ttl))
        self.count["change: dNSTTL"] += 1

    def rewrite_soa(self, zone):
        """As ISPMan does it: the entry goes, another one comes."""
        self.tree.remove(zone.soa_dn)
        self.universe.new_soa(zone)
        self.writer.soa(zone)
        self.count["change: SOA rewritten"] += 1

    # --- zones --------------------------------------------------------------------------------

    def _retype(self, zone, kind):
        _, attributes = self.tree.entries[ispman_ldif.dn_key(
            b"ispmanDomain=" + zone.text.encode() + b"," + self.tree.base)]
        for i, (name, _) in enumerate(attributes):
            if name == "ispmanDomainType":
                attributes[i] = (name, kind)

    def stop_serving(self):
        """A primary becomes nodns; its replicas end with it."""
        masters = {z.master for z in self.universe.zones if z.kind == "replica"}
        free = [z for z in self.universe.zones if z.kind == "primary" and z not in masters]
        if not free:
            return
        zone = self.rng.choice(free)
        self._retype(zone, "nodns")
        self.universe.zones.remove(zone)
        self.universe.retired.append(zone)
        self.count["change: zone no longer served"] += 1

    def start_serving(self):
        zone = self.universe.retired.pop()
        self._retype(zone, "primary")
        self.universe.zones.append(zone)
        self.count["change: zone served again"] += 1

    def add_replica(self):
        origin = (b"late%d" % len(self.universe.zones), b"test")
        if any(zone.origin == origin for zone in self.universe.zones + self.universe.retired):
            return
        master = self.rng.choice([z for z in self.universe.zones if z.kind == "primary"])
        zone = zonemodel.Zone(origin, "replica", None, master)
        self.universe.zones.append(zone)
        self.tree.domain(zone.text, "replica", master=master.text)
        self.count["change: replica added"] += 1

    def set_catch_all(self):
        label = self.rng.choice((None, b"a", b"b", b"c"))
        self.universe.catch_all = label and (label,)
        dn = b"ispmanVar=catchAllCNAME,ispmanModule=dns_vars,ou=conf," + self.tree.base
        self.tree.entries.pop(ispman_ldif.dn_key(dn), None)
        if label:
            self.tree.setting("catchAllCNAME", label.decode())
        self.count["change: catch-all"] += 1
