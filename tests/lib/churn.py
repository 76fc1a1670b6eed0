# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""A tree that never stands still: zones, and random changes to them as LDIF.

    churn = Churn(random.Random(seed))
    slapd = box.slapd(ldif=box.write("tree.ldif", churn.octets()))
    slapd.modify(churn.burst(50))

Some names are watched: each has a number of its own, and all its records show it (tests/integration/cache_watch.c).
"""

import ispman_ldif

BASE = "o=ispman"


def soa(n):
    return "ns%d.g. host%d.g. 1 %d 600 86400 300" % (n, n, n)


def pair(n):
    return ["10.%d.%d.1" % (n >> 8, n & 255), "10.%d.%d.2" % (n >> 8, n & 255)]


def forwards(n):
    return ["left%d@far.example" % n, "right%d@far.example" % n]


def change(dn, kind, *lines):
    return "\n".join(("dn: " + dn, "changetype: " + kind) + lines) + "\n\n"


def replace(dn, **values):
    parts = []
    for name, value in values.items():
        parts += ["replace: " + name]
        parts += ["%s: %s" % (name, v) for v in (value if isinstance(value, list) else [value])]
        parts += ["-"]
    return change(dn, "modify", *parts)


class Churn:
    """The tree, and changes to it as LDIF."""

    def __init__(self, rng, zones=200, watched=12, moved=20, users=40):
        self.rng, self.zone_count = rng, zones
        self.tree = tree = ispman_ldif.Tree(BASE)
        self.numbers = {}     # dn of a watched entry → N
        self.watched = []     # lines for cache_watch
        self.zones = []       # all that ever are there
        self.extra = {}       # dn of added record → its zone
        self.whole = set()    # zones added whole
        self.moved = self.branch_moved = False
        self.count = 0
        tree.setting("catchAllCNAME", "none")
        for i in range(zones):
            self.zone("z%d.example" % i)
        for i in range(moved):
            self.zone("m%d.old.example" % i)
        for i in range(watched):
            zone = "w%d.example" % i
            self.zone(zone)
            self.watched.append("%s. soa" % zone)
            for name in ("a", "b.c"):
                dn = tree.entry(zone, name, [("aRecord", v) for v in pair(1)] + [("mXRecord", "1 mx.g.")],
                                tree.branch("ou", "aRecord", tree.zone_node(zone)), ["A", "MX"])
                self.numbers[dn.decode()] = 1
                self.watched.append("%s.%s. mx" % (name, zone))
        tree.branch("ou", "aRecord", tree.zone_node("park.example"))
        self.users = {}       # dn of a user → its address
        self.forwards = {}    # dn of a group that forwards to a numbered pair → N
        self.mail_watched = []  # its address
        for i in range(users):
            zone = "z%d.example" % (i % min(zones, 8))
            tree.branch("ou", "users", ("ispmanDomain=%s,%s" % (zone, BASE)).encode())
            dn, attributes = self.user(i, zone)
            tree.add(dn.encode(), attributes)
        for i in range(min(watched, 3)):
            zone = "w%d.example" % i
            tree.branch("ou", "ispmanMailGroup", ("ispmanDomain=%s,%s" % (zone, BASE)).encode())
            dn = "cn=boss,ou=ispmanMailGroup,ispmanDomain=%s,%s" % (zone, BASE)
            tree.add(dn.encode(), [("objectClass", "ispmanMailGroup"), ("cn", "boss"), ("mailLocalAddress", "boss@" + zone)] +
                     [("mailForwardingAddress", v) for v in forwards(1)])
            self.forwards[dn] = 1
            self.mail_watched.append("boss@" + zone)

    def zone(self, zone):
        tree = self.tree
        self.zones.append(zone + ".")
        tree.domain(zone, "primary")
        dn = tree.record(zone, "@", "SOA", soa(1), layout="type")
        if ".old." not in zone:
            self.numbers[dn.decode()] = 1
        tree.record(zone, "@", "NS", "ns.isp.example.")
        tree.record(zone, "@", "MX", "10 mail")
        n = len(self.zones)
        tree.record(zone, "mail", "A", "192.0.2.%d" % (n % 250 + 1), pointer="192.0.2.%d" % (n % 250 + 1))
        for owner in ("left", "right"):
            tree.record(zone, owner, "A", "192.0.2.251", layout="type")

    def octets(self):
        # slapadd takes no version line.
        return self.tree.octets().partition(b"\n")[2].lstrip()

    @staticmethod
    def node(zone):
        return ",".join("dc=" + label for label in zone.rstrip(".").split(".")) + ",ou=DNS," + BASE

    def next(self, dn):
        self.numbers[dn] += 1
        return self.numbers[dn]

    # Each of these returns LDIF change records.

    def change_watched(self):
        dn = self.rng.choice(sorted(self.numbers))
        n = self.next(dn)
        if "sOARecord" in dn:
            return replace(dn, sOARecord=soa(n))
        return replace(dn, aRecord=pair(n), mXRecord="%d mx.g." % n)

    def add_record(self):
        zone = "z%d.example" % self.rng.randrange(self.zone_count)
        self.count += 1
        dn = "relativeDomainName=x%d,ou=aRecord,%s" % (self.count, self.node(zone))
        self.extra[dn] = zone
        return change(dn, "add", "objectClass: top", "objectClass: dNSZone", "zoneName: " + zone,
                      "relativeDomainName: x%d" % self.count, "aRecord: 192.0.2.%d" % (self.count % 200 + 1))

    def delete_record(self):
        if not self.extra:
            return self.add_record()
        dn = self.rng.choice(sorted(self.extra))
        del self.extra[dn]
        return change(dn, "delete")

    def swap_records(self):
        zone = "z%d.example" % self.rng.randrange(self.zone_count)
        below = ",ou=aRecord," + self.node(zone)
        if zone in self.whole:
            return ""
        return "".join(change("relativeDomainName=%s%s" % (a, below), "modrdn", "newrdn: relativeDomainName=" + b,
                              "deleteoldrdn: 1")
                       for a, b in (("left", "middle"), ("right", "left"), ("middle", "right")))

    def toggle_zone(self):
        zone = "added%d.example" % self.rng.randrange(6)
        below, node = self.node(zone), "ispmanDomain=%s,%s" % (zone, BASE)
        soa_dn = "relativeDomainName=@,ou=sOARecord," + below
        if zone in self.whole:
            self.whole.remove(zone)
            return "".join(change(dn, "delete") for dn in (soa_dn, "ou=sOARecord," + below, below, node))
        self.whole.add(zone)
        branch = ("objectClass: ispmanBranch",)
        return (change(node, "add", "objectClass: ispmanDomain", "objectClass: PureFTPdUser",
                       "objectClass: posixAccount", "ispmanDomain: " + zone, "ispmanDomainType: primary",
                       "ispmanDomainMailDeliveryMethod: local", "ispmanStatus: active", "cn: " + zone,
                       "uid: " + zone, "uidNumber: 1", "gidNumber: 1", "homeDirectory: /") +
                change(below, "add", *branch, "dc: " + zone.split(".")[0]) +
                change("ou=sOARecord," + below, "add", *branch, "ou: sOARecord") +
                change(soa_dn, "add", "objectClass: top", "objectClass: dNSZone", "zoneName: " + zone,
                       "relativeDomainName: @", "sOARecord: " + soa(1)))

    def move_subtree(self):
        """Zones that leave the place their records claim vanish, and come back with it."""
        old, new = ("new", "old") if self.moved else ("old", "new")
        self.moved = not self.moved
        return change("dc=%s,dc=example,ou=DNS,%s" % (old, BASE), "modrdn", "newrdn: dc=" + new, "deleteoldrdn: 1")

    def move_branch(self):
        there, back = "dc=m0," + self.node("old.example"), "dc=m0," + self.node("park.example")
        if self.moved:
            return ""
        self.branch_moved = not self.branch_moved
        old, new = (there, back) if self.branch_moved else (back, there)
        return change(old, "modrdn", "newrdn: dc=m0", "deleteoldrdn: 0", "newsuperior: " + new.partition(",")[2])

    def set_setting(self):
        self.count += 1
        return replace("ispmanVar=catchAllCNAME,ispmanModule=dns_vars,ou=conf," + BASE,
                       ispmanVal="none" if self.count % 2 else "www")

    # Mail.

    def user(self, number, zone):
        """dn and attributes of a user."""
        name = "u%d" % number
        dn = "uid=%s,ou=users,ispmanDomain=%s,%s" % (name, zone, BASE)
        self.users[dn] = "%s@%s" % (name, zone)
        return dn, [("objectClass", "ispmanDomainUser"), ("uid", name), ("cn", name), ("sn", name),
                    ("ispmanStatus", "active"), ("mailHost", "store.example"), ("mailLocalAddress", self.users[dn])]

    def aliases(self, zone):
        """Own addresses, one that others hold too, and those of another domain."""
        rng = self.rng
        return sorted({"alias%d@%s" % (rng.randrange(6), zone), "shared@" + zone, "taken@z%d.example" % rng.randrange(8),
                       rng.choice(("@", "second%d@" % rng.randrange(3))) + zone})

    def change_user(self):
        dn = self.rng.choice(sorted(self.users))
        self.count += 1
        return replace(dn, mailAlias=self.aliases(self.users[dn].partition("@")[2]),
                       mailForwardingAddress="to%d@far.example" % self.count)

    def add_user(self):
        self.count += 1
        dn, attributes = self.user(1000 + self.count, "z%d.example" % self.rng.randrange(8))
        return change(dn, "add", *("%s: %s" % pair for pair in attributes))

    def delete_user(self):
        dn = self.rng.choice(sorted(self.users))
        if len(self.users) < 20:
            return self.add_user()
        del self.users[dn]
        return change(dn, "delete")

    def change_forward(self):
        dn = self.rng.choice(sorted(self.forwards))
        self.forwards[dn] += 1
        return replace(dn, mailForwardingAddress=forwards(self.forwards[dn]))

    def addresses(self):
        """All that may be held by anybody."""
        out = set(self.users.values()) | set(self.mail_watched)
        for n in range(8):
            zone = "z%d.example" % n
            out |= {"shared@" + zone, "taken@" + zone, "nobody@" + zone}
            out |= {"alias%d@%s" % (i, zone) for i in range(6)} | {"second%d@%s" % (i, zone) for i in range(3)}
        return sorted(out)

    def burst(self, size):
        kinds = ([self.change_watched] * 12 + [self.add_record] * 3 + [self.delete_record] * 3 +
                 [self.swap_records] * 2 + [self.toggle_zone] * 2 + [self.move_subtree, self.move_branch, self.set_setting])
        if self.users:
            kinds += [self.change_user] * 3 + [self.change_forward] * 3 + [self.add_user, self.delete_user]
        return "".join(self.rng.choice(kinds)() for _ in range(size))
