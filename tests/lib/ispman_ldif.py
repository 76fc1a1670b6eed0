# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Writes LDIF in ISPMan's layout: domains, settings, and one entry a DNS record.

    tree = Tree("o=ispman")
    tree.setting("catchAllCNAME", "none")
    tree.domain("tern.example", "primary")
    tree.record("tern.example", "www", "A", "192.0.2.1", ttl=300, pointer="192.0.2.1")
    tree.write("/tmp/x.ldif")

Grouping entries (ou=, dc=, aRecord=) appear when something below them needs them. Values may be text
(taken as latin-1, one octet a character) or bytes.
"""

import base64
import os
import re

# back-mdb refuses an RDN that is longer than this in its escaped form (MDB_BAD_VALSIZE).
RDN_MAX = 245

SPECIAL = b',+"\\<>;='

# The types that ISPMan's own classes allow; others need the auxiliary class ispmanDnsRecords.
CLASSIC = ("SOA", "NS", "MX", "A", "AAAA", "CNAME", "TXT")


def octets(value):
    return value if isinstance(value, bytes) else str(value).encode("latin-1")


def dn_escape(value, spelling=0):
    """VALUE for use in a DN (RFC 4514). SPELLING varies what is equivalent: bit 0 writes \\2C
    for \\, and bit 1 leaves the = bare, which the grammar allows."""
    value = octets(value)
    out = bytearray()
    for i, c in enumerate(value):
        edge = (c == 0x20 and i in (0, len(value) - 1)) or (c == 0x23 and i == 0)
        if c == 0x3D and spelling & 2:
            out.append(c)
        elif c < 0x20 or c >= 0x7F or (spelling & 1 and (c in SPECIAL or edge)):
            out += b"\\%02X" % c
        elif c in SPECIAL or edge:
            out += b"\\" + bytes([c])
        else:
            out.append(c)
    return bytes(out)


def rdn_size(attribute, value):
    """Octets of the RDN as slapd stores it: specials take three."""
    value = octets(value)
    return len(attribute) + 1 + sum(3 if c in SPECIAL or c < 0x20 or c >= 0x7F else 1 for c in value)


def dn_key(dn):
    """Equal for spellings of one DN that differ in case, blanks or escapes (RDNs of one pair)."""
    rdns, value = [], bytearray()
    for c in _unescaped(dn):
        if c is None:
            rdns.append(bytes(value))
            value = bytearray()
        else:
            value.append(c)
    rdns.append(bytes(value))
    key = []
    for rdn in rdns:
        attribute, _, text = rdn.partition(b"=")
        key.append((attribute.strip().lower(), re.sub(rb" +", b" ", text).strip(b" ").lower()))
    return tuple(key)


def _unescaped(dn):
    """Each octet that DN means; None for a comma that separates."""
    i = 0
    while i < len(dn):
        if dn[i] == 0x5C and re.match(rb"[0-9a-fA-F]{2}", dn[i + 1:i + 3]):
            yield int(dn[i + 1:i + 3], 16)
            i += 3
        elif dn[i] == 0x5C:
            yield dn[i + 1]
            i += 2
        else:
            yield None if dn[i] == 0x2C else dn[i]
            i += 1


def ldif_line(name, value, fold=76):
    """"name: value" as RFC 2849 wants it: base64 where needed, folded."""
    value = octets(value)
    safe = (re.fullmatch(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]*", value) and
            not value[:1] in (b" ", b":", b"<") and not value.endswith(b" "))
    line = octets(name) + (b": " + value if safe else b":: " + base64.b64encode(value))
    if fold and len(line) > fold:
        parts = [line[:fold]]
        parts += [line[i:i + fold - 1] for i in range(fold, len(line), fold - 1)]
        line = b"\n ".join(parts)
    return line + b"\n"


def attribute_of(rrtype):
    """"MX" → "mXRecord"."""
    return rrtype[0].lower() + rrtype[1:] + "Record"


def classes_for(structural, rrtypes):
    classes = [("objectClass", structural)]
    if any(rrtype not in CLASSIC for rrtype in rrtypes):
        classes.append(("objectClass", "ispmanDnsRecords"))
    return classes


def changes(before, after):
    """LDIF change records that turn the entries BEFORE (a snapshot()) into those of the tree AFTER."""
    out = [b"version: 1\n"]
    # Children come after their parents in a tree, so the other way round they go first.
    for key in reversed(before):
        if key not in after.entries:
            out.append(b"\n" + ldif_line("dn", before[key][0]) + b"changetype: delete\n")
    for key, (dn, attributes) in after.entries.items():
        if key not in before:
            out.append(b"\n" + ldif_line("dn", dn) + b"changetype: add\n")
            out += [ldif_line(name, value) for name, value in attributes]
        elif before[key][1] != attributes:
            out.append(b"\n" + ldif_line("dn", dn) + b"changetype: modify\n")
            for name in dict.fromkeys(n for n, _ in before[key][1] + attributes):
                values = [v for n, v in attributes if n == name]
                if values != [v for n, v in before[key][1] if n == name]:
                    out.append(b"replace: " + octets(name) + b"\n")
                    out += [ldif_line(name, value) for value in values] + [b"-\n"]
    return b"".join(out)


class Tree:
    """LIMITED refuses what slapd cannot store: RDNs over RDN_MAX."""

    def __init__(self, base="o=ispman", limited=False):
        self.base, self.limited = octets(base), limited
        self.entries = {}  # dn_key → (dn, [(attribute, value)])
        self.refused = 0   # records whose DN was taken
        if self.base:
            self.add(self.base, [("objectClass", "top"), ("objectClass", "organization"),
                                 ("o", self.base.partition(b"=")[2])])

    def add(self, dn, attributes):
        """False when an entry of that DN is there already."""
        key = dn_key(octets(dn))
        if key in self.entries:
            return False
        self.entries[key] = (octets(dn), attributes)
        return True

    def snapshot(self):
        """The entries as they are now, for changes()."""
        return {key: (dn, list(attributes)) for key, (dn, attributes) in self.entries.items()}

    def remove(self, dn):
        del self.entries[dn_key(octets(dn))]

    def branch(self, rdn_type, value, parent, spelling=0, rrtypes=()):
        """The grouping entry below PARENT, made when it is missing. Returns its DN."""
        dn = octets(rdn_type) + b"=" + dn_escape(value, spelling) + b"," + parent
        self.add(dn, classes_for("ispmanBranch", rrtypes) + [(rdn_type, value)])
        return dn

    def setting(self, variable, value, module="dns_vars"):
        conf = self.branch("ou", "conf", self.base)
        module_dn = b"ispmanModule=" + octets(module) + b"," + conf
        self.add(module_dn, [("objectClass", "ispmanConfModule"), ("ispmanModule", module),
                             ("ispmanModuleAlias", module)])
        self.add(b"ispmanVar=" + octets(variable) + b"," + module_dn,
                 [("objectClass", "ispmanConfVar"), ("ispmanModule", module),
                  ("ispmanVar", variable), ("ispmanVal", value), ("ispmanQuestion", "-")])

    def domain(self, name, kind, master=None, masters=None):
        attributes = [("objectClass", "ispmanDomain")]
        if kind.lower() == "replica":
            attributes += [("objectClass", "ispmanBranch")]
        else:
            attributes += [("objectClass", "PureFTPdUser"), ("objectClass", "posixAccount")]
        attributes += [("ispmanDomain", name), ("ispmanDomainType", kind),
                       ("ispmanDomainMailDeliveryMethod", "local"), ("ispmanStatus", "active")]
        if master is not None:
            attributes += [("ispmanReplicaMaster", master)]
        if masters is not None:
            attributes += [("ispmanDnsMasters", masters)]
        if kind.lower() != "replica":
            number = 10000 + len(self.entries)
            attributes += [("cn", name), ("uid", name), ("uidNumber", number),
                           ("gidNumber", number), ("homeDirectory", "/var/www/%s" % name)]
        dn = b"ispmanDomain=" + dn_escape(name) + b"," + self.base
        self.add(dn, attributes)
        return dn

    def zone_node(self, zone):
        """The dc=…,ou=DNS entry of a zone whose labels need no escapes."""
        dn = self.branch("ou", "DNS", self.base)
        for label in reversed(zone.rstrip(".").split(".")):
            dn = self.branch("dc", label, dn)
        return dn

    def record(self, zone, owner, rrtype, value, ttl=None, layout="branch", pointer=None,
               marker=None, spelling=0, zone_name=None, attribute=None):
        """One dNSZone entry. LAYOUT says where it stands: below a branch for the value ("branch"),
        directly below ou=<type>Record ("type"), or directly below the zone node ("flat"). VALUE may
        be a list: an entry with several values. A value too long for an RDN goes to "type".
        POINTER is a pTRRecord, MARKER a tXTRecord beside the data. ZONE_NAME overrides what the entry claims,
        ATTRIBUTE the one that goes with the type. Returns its DN, None when that is taken."""
        attribute = attribute or attribute_of(rrtype)
        values = value if isinstance(value, list) else [value]
        parent = self.zone_node(zone)
        if layout == "branch" and rdn_size(attribute, values[0]) > RDN_MAX:
            layout = "type"
        if layout != "flat":
            parent = self.branch("ou", attribute, parent)
        if layout == "branch":
            parent = self.branch(attribute, values[0], parent, spelling, [rrtype])
        extra = [("dNSTTL", ttl)] if ttl is not None else []
        if pointer is not None:
            extra += [("pTRRecord", pointer)]
        if marker is not None:
            extra += [("tXTRecord", marker)]
        return self.entry(zone if zone_name is None else zone_name, owner,
                          [(attribute, v) for v in values] + extra, parent, [rrtype], spelling)

    def entry(self, zone_name, owner, attributes, parent, rrtypes, spelling=0):
        """A dNSZone entry below PARENT. Returns its DN, None when that is taken."""
        dn = b"relativeDomainName=" + dn_escape(owner, spelling) + b"," + parent
        if self.limited and rdn_size("relativeDomainName", owner) > RDN_MAX:
            self.refused += 1
            return None
        if not self.add(dn, [("objectClass", "top")] + classes_for("dNSZone", rrtypes) +
                        [("zoneName", zone_name), ("relativeDomainName", owner)] + attributes):
            self.refused += 1
            return None
        return dn

    def octets(self, fold=76, version=True):
        """The whole tree, parents before children (the order of adding keeps that). slapadd knows no VERSION line."""
        out = [b"version: 1\n"] if version else []
        for dn, attributes in self.entries.values():
            out.append(b"\n" + ldif_line("dn", dn, fold))
            out += [ldif_line(name, value, fold) for name, value in attributes]
        return b"".join(out)

    def write(self, path, fold=76, version=True):
        """Replaces PATH in one step, so that a follower never reads half a file."""
        with open(path + ".new", "wb") as f:
            f.write(self.octets(fold, version))
        os.rename(path + ".new", path)
