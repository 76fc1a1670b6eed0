# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Random zones for the differential test: one model, written twice.

A Universe is a set of domains that refer to each other. ldif() writes it as ISPMan's directory holds it
(zonewriter.py), native_zones() as zone files for named. What is said twice here is what ISPMan's
data means: which domains are zones, how replicas share data, what a computed reverse zone holds, the TTL of
a set, what a catch-all adds. What an answer is, named alone decides.

Names are tuples of labels in lower case; owners are relative to their zone, () being the apex.
"""

import collections
import ipaddress
import random

import dnsclient
import rdatagen
from rdatagen import Name

SINGLE = ("CNAME", "DNAME", "SOA", "RESINFO")
ISP = (b"isp", b"test")

# What reverse-prefixes says. Each zone below one of them exists, whether an address in it has a
# name or not, so the prefixes are narrow: the native server has to have them all.
REVERSE_PREFIXES = ("192.0.2.0/24", "10.1.0.0/22", "172.16.0.0/15@16", "2001:db8::/62")
REVERSE_TTL = 86400

ODD_LABELS = (
    b"A.b", b"@", b"a\\b", b"*a", b"a*", b"**", b"_tcp", b"-", b"a b", b"\0", b"\xff\xfe", b";", b"\"",
    b"(", b"$", b"a,b", b"a=b", b"a+b", b"#", b"<>", b"0", b"007", b"x" * 63, b"y" * 62, b"'", b"\x7f",
    b"\\", b".", b"\\.", b"\\042", b"\xc3\xa4", b" ", b"a  b",
)
COMMON_TYPES = ("A", "A", "A", "AAAA", "TXT", "TXT", "MX", "SRV")


class Record:
    """One value of a set. BARE is the text of a TXT record as an admin types it, POINTER the pTRRecord
    beside the value. dn: the entry that holds it, once it is written."""
    __slots__ = ("parts", "ttl", "bare", "pointer", "dn")

    def __init__(self, parts, ttl=None, bare=None, pointer=None):
        self.parts, self.ttl, self.bare, self.pointer = parts, ttl, bare, pointer
        self.dn = None

    def native(self, origin):
        if self.bare is not None:
            return rdatagen.strings_native([self.bare[i:i + 255]
                                            for i in range(0, len(self.bare), 255)])
        return rdatagen.native_text(self.parts, origin)

    def same_as(self, other):
        """At whatever origin (two made up ones tell)."""
        return all(self.native(origin).lower() == other.native(origin).lower()
                   for origin in ((b"one",), (b"two",)))

    def ldap(self, rng):
        return self.bare if self.bare is not None else rdatagen.ldap_text(self.parts, rng)


class Zone:
    def __init__(self, origin, kind, style=None, master=None):
        self.origin, self.kind, self.style, self.master = origin, kind, style, master
        self.nodes = {}  # owner → {type: [Record]}
        self.soa = None
        self.soa_ttl = self.soa_dn = None
        self.minimum = 0
        self.cuts = self.renames = True

    @property
    def text(self):
        return ".".join(label.decode() for label in self.origin)

    def records(self):
        """(owner, type, [Record]) of all sets but the SOA."""
        for owner, sets in self.nodes.items():
            for rrtype, records in sets.items():
                yield owner, rrtype, records

    def add(self, owner, rrtype, record):
        """False when the record cannot stand there beside what does."""
        owner = dnsclient.lower(owner)
        if not dnsclient.name_fits(owner + self.origin):
            return False
        if record.bare is None and not rdatagen.fits(record.parts, self.origin):
            return False
        sets = self.nodes.get(owner, {})
        if rrtype != "KEY" and ("CNAME" in sets or rrtype == "CNAME" and set(sets) - {"KEY"}):
            return False
        if rrtype in SINGLE and rrtype in sets:
            return False
        if rrtype == "NS" and owner and owner[0] == b"*":
            return False
        # Of a record that is stated twice it is open whose TTL counts; a twin is stated once at a replica.
        if any(record.same_as(other) for other in sets.get(rrtype, ())):
            return False
        self.nodes.setdefault(owner, {}).setdefault(rrtype, []).append(record)
        return True


class Universe:
    """ASCII_ONLY keeps octets that an LDAP attribute of this kind cannot hold out of what is not escaped."""

    def __init__(self, seed, scale=1.0, ascii_only=False):
        self.rng = random.Random(seed)
        self.ascii_only = ascii_only
        self.seed, self.scale = seed, scale
        self.count = collections.Counter()
        self.zones = []      # primaries and replicas, in the order of making
        self.retired = []    # zones that are no longer served, but whose data is still there
        self.unserved = []   # names of domains that must not become zones
        self.catch_all = None
        self._plan()
        for zone in self.zones:
            if zone.kind == "primary":
                self._fill(zone)
        self._reverse_zones()

    # --- which zones there are ----------------------------------------------------------------

    def _plan(self):
        rng = self.rng
        styles = ["tiny", "tiny", "tiny", "plain", "odd", "typed", "big"] + rng.choices(
            ("tiny", "plain", "odd", "typed"), k=rng.randrange(3))
        for i, style in enumerate(styles):
            self.zones.append(Zone((b"z%d" % i, b"test"), "primary", style))
        if rng.random() < 0.2:
            self.zones.append(Zone((b"test",), "primary", "tiny"))
            self.count["a zone above all others"] += 1
        for _ in range(rng.randrange(2, 5)):
            parent = rng.choice(self.zones)
            origin = tuple(rng.choice((b"a", b"b", b"c", b"a")) for _ in range(
                rng.randrange(1, 3))) + parent.origin
            if self._free(origin):
                self.zones.append(Zone(origin, "primary", "tiny"))
                self.count["child zone"] += 1
        masters = [zone for zone in self.zones]
        for i in range(rng.randrange(2, 5)):
            origin = (b"r%d" % i, b"test")
            if rng.random() < 0.3:
                origin = (rng.choice((b"a", b"r")),) + rng.choice(masters).origin
            if self._free(origin):
                self.zones.append(Zone(origin, "replica", None, rng.choice(masters)))
                self.count["replica"] += 1
        if rng.random() < 0.6:
            self.catch_all = (rng.choice((b"a", b"b", b"www")),)

    def _free(self, origin):
        return all(zone.origin != origin for zone in self.zones)

    # --- names --------------------------------------------------------------------------------

    def label(self, style):
        rng = self.rng
        if style == "odd" and rng.random() < 0.5:
            return rng.choice(ODD_LABELS)
        if style == "odd" and rng.random() < 0.1:
            return rng.randbytes(rng.randrange(1, 64))
        if style == "typed" and rng.random() < 0.5:
            return b"n%d" % rng.randrange(30)
        if style == "plain":
            return rng.choice((b"a", b"b", b"c", b"www", b"mail", b"x", b"y"))
        return rng.choice((b"a", b"b", b"*", b"a", b"b", b"*", b"c"))

    def owner(self, style, deepest=None):
        depth = self.rng.choice((1, 1, 1, 2, 2, 3, 4) if style != "odd" else (1, 1, 2, 3, 5))
        if deepest is not None:
            depth = min(depth, deepest)
        return tuple(self.label(style) for _ in range(depth))

    def _target(self, zone, rrtype):
        """A Name for data: where chains and referrals lead."""
        rng = self.rng
        one_label = rrtype in ("NS", "MX")
        pick = rng.random()
        if pick < 0.35:
            owner = (rng.choice(list(zone.nodes)) if zone.nodes and rng.random() < 0.5
                     else self.owner(zone.style))
            if not one_label or len(owner) <= 1:
                return Name(owner, relative=True)
            return Name(owner + zone.origin, dotless=rng.random() < 0.3)
        if pick < 0.40:
            return Name((), relative=True)
        if pick < 0.50:
            return Name(self.owner(zone.style) + zone.origin)
        if pick < 0.85:
            other = rng.choice(self.zones)
            owner = (rng.choice(list(other.nodes)) if other.nodes and rng.random() < 0.5
                     else self.owner(other.style or "tiny"))
            return Name(owner + other.origin, dotless=one_label and rng.random() < 0.3)
        if pick < 0.87 and not one_label:
            return Name(())
        return Name((b"host%d" % rng.randrange(9), b"outside", b"invalid"),
                    dotless=one_label and rng.random() < 0.3)

    # --- data ---------------------------------------------------------------------------------

    def _ttl(self):
        rng = self.rng
        if rng.random() > 0.15:
            return None
        return rng.choice((0, 1, 60, 300, 3600, 86400, 604800, 2147483647))

    def _record(self, zone, rrtype):
        rng = self.rng
        ttl = self._ttl()
        if rrtype in ("TXT", "SPF") and rng.random() < 0.6:
            return Record(None, ttl, bare=self._bare_text())
        record = Record(rdatagen.make(rng, rrtype, lambda: self._target(zone, rrtype)), ttl)
        if rrtype in ("A", "AAAA") and rng.random() < 0.25:
            address = record.parts[0]
            if address.startswith("\\") or rng.random() < 0.1:
                address = rng.choice((rdatagen.ipv4, rdatagen.ipv6))(rng)
            record.pointer = address
        return record

    def _bare_text(self):
        """What an admin types: no quotes around it, any length."""
        rng = self.rng
        kind = rng.randrange(6)
        if kind == 0:
            text = b"v=spf1 ip4:192.0.2.%d mx -all" % rng.randrange(256)
        elif kind == 1:
            text = b"v=DKIM1; k=rsa; p=" + rdatagen.b64(rng, 400).encode()
        elif kind == 2:
            text = rng.randbytes(rng.choice((1, 5, 254, 255, 256, 600)))
        elif kind == 3:
            text = b'say "x\\y", (z);$@' + rdatagen.word(rng).encode()
        elif kind == 4:
            text = b"w" * rng.choice((255, 256, 510, 511, 4000))
        else:
            text = rdatagen.word(rng, 40).encode()
        # A line break or NUL in an admin's text is refused as a slip. Blanks at the ends are not data in LDAP,
        # and a whole "…" would be a quoted form.
        text = text.replace(b"\n", b"N").replace(b"\0", b"0").strip(b" \t\r\v\f")
        if self.ascii_only:
            text = bytes(c if 0x20 <= c < 0x7F else 0x21 + c % 0x5D for c in text)
        if not text or text[:1] in (b'"', b"\\"):
            text = b"t" + text
        return text

    def _add(self, zone, owner, rrtype):
        record = self._record(zone, rrtype)
        if not zone.add(owner, rrtype, record):
            return False
        self.count["type " + rrtype] += 1
        if self.rng.random() < 0.05:
            self._twin(zone, owner, rrtype, record)
        return True

    def _twin(self, zone, owner, rrtype, record):
        """The same record spelled with an absolute name: one record in the zone, two in a replica."""
        if rrtype in SINGLE or not any(isinstance(part, Name) and part.relative
                                       for part in record.parts or ()):
            return
        parts = [Name(part.absolute(zone.origin)) if isinstance(part, Name) else part
                 for part in record.parts]
        if zone.add(owner, rrtype, Record(parts, self._ttl())):
            self.count["twin record"] += 1

    def new_soa(self, zone):
        rng = self.rng
        mname = Name((b"ns1",) + zone.origin, dotless=rng.random() < 0.3)
        rname = Name((b"host.master" if rng.random() < 0.2 else b"hostmaster",) + ISP,
                     dotless=rng.random() < 0.3)
        zone.minimum = rng.choice((0, 60, 300, 3600, 10800, 86400))
        times = [rng.choice((("10800", "3H"), ("7200", "2h"), ("5400", "1H30M"))),
                 rng.choice((("1800", "30M"), ("900", "900"))),
                 rng.choice((("604800", "1W"), ("604801", "1w1s"))),
                 (str(zone.minimum), rng.choice((str(zone.minimum), "%ds" % zone.minimum)))]
        serial = str(rng.choice((1, 2026112101, 2 ** 31, 1795252737)))
        zone.soa = (mname, rname, serial, times)
        zone.soa_ttl = self._ttl()

    def _fill(self, zone):
        rng, style = self.rng, zone.style
        # A cut or a DNAME hides what lies below it; in some zones nothing is hidden.
        zone.cuts, zone.renames = rng.random() < 0.6, rng.random() < 0.5
        self.new_soa(zone)
        self.count["style " + style] += 1
        # Native zones load only when an in-zone server of the apex has an address.
        for i in range(rng.randrange(1, 4)):
            if rng.random() < 0.5:
                name = Name((b"ns%d" % i,), relative=True)
                zone.add((b"ns%d" % i,), "A", Record([rdatagen.ipv4(rng)], self._ttl()))
            else:
                name = Name((b"ns%d" % i, b"outside", b"invalid"), dotless=rng.random() < 0.3)
            zone.add((), "NS", Record([name], self._ttl()))
        if style == "plain" and self.catch_all is not None:
            zone.add(self.catch_all, "A", Record([rdatagen.ipv4(rng)]))
        for rrtype in rng.sample(("A", "TXT", "MX", "AAAA", "CAA"), rng.randrange(4)):
            self._add(zone, (), rrtype)
        if zone.renames and rng.random() < 0.16 and not any(owner for owner in zone.nodes):
            self._add(zone, (), "DNAME")
            self.count["DNAME at the apex"] += 1
        owners = {"tiny": rng.randrange(2, 40), "plain": 15, "odd": 30, "typed": 40, "big": 8}[style]
        for _ in range(int(owners * self.scale) + 1):
            self.add_node(zone, self.owner(style))
        if style == "typed":
            for rrtype in rdatagen.MAKERS:
                if rrtype not in ("NS", "CNAME", "DNAME"):
                    self._add(zone, self.owner(style), rrtype)
        if style == "big":
            self._big_sets(zone)

    def add_node(self, zone, owner):
        rng = self.rng
        role = rng.random()
        if role < 0.12 and zone.cuts:
            self._delegation(zone, owner)
        elif 0.12 <= role < 0.25:
            if self._add(zone, owner, "CNAME"):
                self.count["wildcard CNAME" if owner[0] == b"*" else "CNAME"] += 1
                if rng.random() < 0.1 and self._add(zone, owner, "KEY"):
                    self.count["CNAME beside KEY"] += 1
        elif role < 0.33 and zone.renames:
            if self._add(zone, owner, "DNAME"):
                self.count["wildcard DNAME" if owner[0] == b"*" else "DNAME"] += 1
                if rng.random() < 0.3:
                    self._add(zone, owner, rng.choice(COMMON_TYPES))
                if rng.random() < 0.3:
                    self._add(zone, self.owner(zone.style, 2) + owner, "A")
                    self.count["data below a DNAME"] += 1
        else:
            for _ in range(rng.choice((1, 1, 2, 3))):
                rrtype = rng.choice(COMMON_TYPES if zone.style != "typed" or rng.random() < 0.3
                                    else [t for t in rdatagen.MAKERS
                                          if t not in ("NS", "CNAME", "DNAME")])
                for _ in range(rng.choice((1, 1, 1, 2, 5))):
                    self._add(zone, owner, rrtype)
            if owner[0] == b"*":
                self.count["wildcard"] += 1

    def _delegation(self, zone, owner):
        rng = self.rng
        if owner[0] == b"*":
            return
        for _ in range(rng.randrange(1, 4)):
            self._add(zone, owner, "NS")
        if "NS" not in zone.nodes.get(owner, {}):
            return
        self.count["delegation"] += 1
        if rng.random() < 0.4:
            # A server below its own cut, the case that needs glue.
            below = (rng.choice((b"ns", b"a")),) + owner
            zone.add(owner, "NS", Record([Name(below + zone.origin)], self._ttl()))
            for rrtype in rng.choice((("A",), ("A", "AAAA"), ("AAAA",))):
                self._add(zone, below, rrtype)
            self.count["glue"] += 1
        if rng.random() < 0.3:
            self._add(zone, owner, "DS")
        if rng.random() < 0.3:
            self._add(zone, owner, rng.choice(COMMON_TYPES))
            self.count["other data at a cut"] += 1
        if rng.random() < 0.1:
            self._add(zone, owner, "DNAME")
            self.count["DNAME at a cut"] += 1
        while rng.random() < 0.4:
            self.add_node(zone, self.owner(zone.style, 2) + owner)
            self.count["node below a cut"] += 1

    def _big_sets(self, zone):
        rng = self.rng
        for rrtype in ("A", "AAAA", "MX", "TXT", "NS"):
            owner = (b"big-" + rrtype.lower().encode(),)
            # A DLZ database gets no glue for a delegation to more than 13 servers: named itself stops there.
            for i in range(13 if rrtype == "NS" else rng.choice((101, 200, 400))):
                if rrtype == "A":
                    record = Record(["172.16.%d.%d" % (i // 256, i % 256)])
                elif rrtype == "AAAA":
                    record = Record(["2001:db8:ffff::%x" % i])
                elif rrtype == "TXT":
                    record = Record(None, bare=b"text %d " % i + b"x" * rng.randrange(40))
                elif rrtype == "NS":
                    record = Record([Name((b"ns%d" % i,) + owner + zone.origin)])
                    zone.add((b"ns%d" % i,) + owner, "A", Record([rdatagen.ipv4(rng)]))
                else:
                    record = Record(["%d " % i, Name((b"m%d" % i,), relative=True)])
                zone.add(owner, rrtype, record)
            self.count["set of a hundred and more"] += 1

    # --- reverse ------------------------------------------------------------------------------

    def _reverse_zones(self):
        """Hosts a reverse zone now and then in which computed records have to find their gaps."""
        rng = self.rng
        if rng.random() > 0.5:
            return
        origin = rng.choice((b"2.0.192", b"0.1.10", b"1.10")).split(b".")
        zone = Zone(tuple(origin) + (b"in-addr", b"arpa"), "primary", "tiny")
        self.new_soa(zone)
        zone.add((), "NS", Record([Name((b"ns1",) + ISP)]))
        for _ in range(20):
            owner = (b"%d" % rng.randrange(256),)
            if len(origin) == 2:
                owner += (b"%d" % rng.randrange(3),)
            rrtype = rng.choice(("PTR", "PTR", "CNAME", "TXT"))
            self._add(zone, owner, rrtype)
        self.zones.append(zone)
        self.count["hosted reverse zone"] += 1


def reverse_name(address):
    return dnsclient.name_from_text(ipaddress.ip_address(address).reverse_pointer)


def prefixes():
    """(network, bits where its zones are cut)."""
    for text in REVERSE_PREFIXES:
        prefix, _, cut = text.partition("@")
        network = ipaddress.ip_network(prefix)
        yield network, int(cut) if cut else {4: 24, 6: 64}[network.version]


def inside_prefixes(address):
    address = ipaddress.ip_address(address)
    return any(network.version == address.version and address in network
               for network, _ in prefixes())


def reverse_origins():
    """The origins of all computed zones."""
    for network, cut in prefixes():
        kept = cut // (8 if network.version == 4 else 4)
        for subnet in network.subnets(new_prefix=cut):
            yield reverse_name(subnet.network_address)[-2 - kept:]
