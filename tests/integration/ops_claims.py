#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""A domain admin who may write below his own zone and no further claims what is not his: no answer changes but
his own, and each claim is a problem. And the zones hosted inside another one's subtree, which are nobody's claim."""

import ipaddress
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import ldapclient  # noqa: E402
import stage       # noqa: E402

TERN, BANK, SHOP, KIOSK = "tern.example", "bank.example", "shop.tern.example", "kiosk.bank.example"
REVERSE = "2.0.192.in-addr.arpa"
ADMIN, PASSWORD = "cn=ternadmin,o=ispman", "feather"
NODE = stage.node_dn(TERN)
ACCESS = """access to dn.subtree="%s" by dn.exact="%s" write by * read
access to dn.exact="%s" by dn.exact="%s" write by * read
access to attrs=userPassword by anonymous auth by * none
access to * by * read
limits * size=unlimited
""" % (NODE, ADMIN, stage.domain_dn(TERN), ADMIN)


def hosting():
    tree = stage.tree_of(TERN, BANK, SHOP, KIOSK)
    tree.add(ADMIN, [("objectClass", "organizationalRole"), ("objectClass", "simpleSecurityObject"),
                     ("cn", "ternadmin"), ("userPassword", PASSWORD)])
    tree.domain("replica.example", "replica", master=BANK)
    tree.record(BANK, "login", "A", "192.0.2.10", pointer="192.0.2.10")
    tree.record(BANK, "@", "MX", "10 mx.bank.example.")
    tree.record(TERN, "@", "A", "192.0.2.20")
    tree.record(TERN, "@", "MX", "10 mx.tern.example.")
    tree.record(TERN, "@", "TXT", "the parent's")
    tree.record(SHOP, "@", "A", "192.0.2.30")
    tree.record(SHOP, "@", "MX", "10 mx.shop.example.")
    tree.record(SHOP, "@", "TXT", "the child's")
    tree.record(SHOP, "@", "AAAA", "2001:db8::30")
    # A name that the parent has too, with data that would not go together.
    tree.record(TERN, "help", "A", "192.0.2.21")
    tree.record(SHOP, "help", "CNAME", "www.elsewhere.example.")
    return tree


def record(rdn, zone, below=NODE, **attributes):
    """(DN, attributes) of an entry that the admin adds."""
    owner = rdn.replace("\\", "")
    return ("relativeDomainName=%s,%s" % (rdn, below),
            [("objectClass", "dNSZone"), ("zoneName", zone), ("relativeDomainName", owner)] +
            [(name, value) for name, values in attributes.items()
             for value in (values if isinstance(values, list) else [values])])


def branch(rdn, below=NODE):
    name, value = rdn.split("=", 1)
    return "%s,%s" % (rdn, below), [("objectClass", "ispmanBranch"), (name, value)]


# (what, [entries], kinds of problems of the last one)
CLAIMS = [
    ("a record with another zone's name", [record("a1", BANK, aRecord="192.0.2.66")], ["foreign-claim"]),
    ("a record that is another zone's own name", [record("login", BANK, aRecord="192.0.2.66")], ["foreign-claim"]),
    ("the name of the zone above", [record("a2", "example", aRecord="192.0.2.66")], ["foreign-claim"]),
    ("the root", [record("a3", ".", aRecord="192.0.2.66")], ["foreign-claim"]),
    ("two zone names, one of them his own", [record("a4", TERN, zoneName=BANK, aRecord="192.0.2.66")],
     ["foreign-claim"]),
    ("an absolute owner in another zone", [record("login.bank.example.", TERN, aRecord="192.0.2.66")],
     ["foreign-claim"]),
    ("a name of the zone hosted below, from above", [record("a5", SHOP, aRecord="192.0.2.66")], ["foreign-claim"]),
    ("a SOA and name servers for another zone",
     [record("@", BANK, below="ou=sOARecord," + NODE,
             sOARecord="ns1.evil.example. root.evil.example. 4000000000 1 1 1 1")], ["foreign-claim"]),
    ("name servers of another zone", [record("a6", BANK, nSRecord="ns1.evil.example.")], ["foreign-claim"]),
    ("a DNS branch of his own",
     [branch("ou=DNS"), branch("dc=example", "ou=DNS," + NODE), branch("dc=bank", "dc=example,ou=DNS," + NODE),
      record("login", BANK, below="dc=bank,dc=example,ou=DNS," + NODE, aRecord="192.0.2.66")], ["foreign-claim"]),
    ("a reverse zone, as a zone",
     [branch("dc=arpa"), branch("dc=in-addr", "dc=arpa," + NODE),
      record("10", REVERSE, below="dc=in-addr,dc=arpa," + NODE, pTRRecord="evil.tern.example.")], ["foreign-claim"]),
    ("a reverse name outside the prefixes",
     [record("p1", TERN, pTRRecord="198.51.100.10")], ["foreign-claim"]),
    ("one in IPv6", [record("p2", TERN, pTRRecord="2001:db9::10")], ["foreign-claim"]),
    ("a reverse name for another zone's host",
     [record("p3", BANK, pTRRecord="192.0.2.77")], ["foreign-claim"]),
    ("a new domain below his node",
     [("ispmanDomain=new.example," + NODE,
       [("objectClass", "ispmanDomain"), ("objectClass", "ispmanBranch"), ("ispmanDomain", "new.example"),
        ("ispmanDomainType", "primary")])], ["foreign-claim"]),
    ("another zone's domain entry below his node",
     [("ispmanDomain=bank.example," + NODE,
       [("objectClass", "ispmanDomain"), ("objectClass", "ispmanBranch"), ("ispmanDomain", BANK),
        ("ispmanDomainType", "nodns")])], ["foreign-claim"]),
    ("a replica below his node",
     [("ispmanDomain=bank2.example," + NODE,
       [("objectClass", "ispmanDomain"), ("objectClass", "ispmanBranch"), ("ispmanDomain", "bank2.example"),
        ("ispmanDomainType", "replica"), ("ispmanReplicaMaster", TERN)])], ["foreign-claim"]),
    ("a setting below his node",
     [branch("ou=conf"),
      ("ispmanModule=dns_vars,ou=conf," + NODE,
       [("objectClass", "ispmanConfModule"), ("ispmanModule", "dns_vars")]),
      ("ispmanVar=catchAllCNAME,ispmanModule=dns_vars,ou=conf," + NODE,
       [("objectClass", "ispmanConfVar"), ("ispmanModule", "dns_vars"), ("ispmanVar", "catchAllCNAME"),
        ("ispmanVal", "www"), ("ispmanQuestion", "-")])], []),
    ("a zone below his own that is no domain",
     [branch("dc=fake"), branch("ou=sOARecord", "dc=fake," + NODE),
      record("@", "fake." + TERN, below="ou=sOARecord,dc=fake," + NODE,
             sOARecord="ns1.tern.example. root.tern.example. 1 1 1 1 1")], ["no-domain"]),
    ("its records", [record("www", "fake." + TERN, below="dc=fake," + NODE, aRecord="192.0.2.66")], []),
    ("a class that makes a domain of a record",
     [("relativeDomainName=a7," + NODE,
       [("objectClass", "dNSZone"), ("objectClass", "ispmanDomain"), ("zoneName", BANK), ("relativeDomainName", "a7"),
        ("ispmanDomain", BANK), ("ispmanDomainType", "nodns")])], ["foreign-claim"]),
]


def everything(scene):
    """What all zones but his answer."""
    zones = (BANK, SHOP, KIOSK, "replica.example", REVERSE)
    reverse6 = ipaddress.ip_address("2001:db9::10").reverse_pointer
    names = [("login." + BANK, "A"), ("www." + BANK, "NS"), ("nosuch." + BANK, "A"), ("nosuch." + SHOP, "A"),
             ("a5." + SHOP, "A"), ("new.example", "SOA"), ("bank2.example", "SOA"), ("example", "SOA"),
             ("a2.example", "A"), ("10.2.0.192.in-addr.arpa", "PTR"), ("77.2.0.192.in-addr.arpa", "PTR"),
             ("10.100.51.198.in-addr.arpa", "PTR"), (reverse6, "PTR"), ("a1." + BANK, "A"), ("a6." + BANK, "NS")]
    return {zone: scene.transfer(zone) for zone in zones}, \
        {zone: scene.serial(zone) for zone in zones}, \
        [(name, rrtype, scene.answers(name, rrtype)) for name, rrtype in names]


def claims(t, box):
    scene = stage.Stage(box, hosting(), extra_database=ACCESS)
    admin = ldapclient.Connection(scene.slapd.port, ADMIN, PASSWORD)
    want, own = everything(scene), scene.transfer(TERN)
    t.same(scene.problems(), [], "nothing is wrong at first")
    t.same([a for n, _, a in want[2] if n == "login." + BANK], [("NOERROR", ["A 192.0.2.10"])], "the bank's data")
    for dn in (stage.domain_dn(BANK), "ou=DNS,o=ispman", stage.node_dn(BANK)):
        try:
            admin.add("ou=x," + dn, [("objectClass", "ispmanBranch"), ("ou", "x")])
            t.ok(False, "the admin may not write elsewhere")
        except ldapclient.Refused as refused:
            t.same(refused.code, 50, "the admin may not write below " + dn)
    problems = []
    for what, entries, kinds in CLAIMS:
        for dn, attributes in entries:
            admin.add(dn, attributes)
        scene.settle()
        problems += [(kind, entries[-1][0]) for kind in kinds]
        t.same(everything(scene), want, what + ": changes no other zone") and \
            t.same(sorted(set(scene.problems())), sorted(problems), what + ": is a problem")
    t.same(scene.transfer(TERN)[1], sorted(own[1] + ["a4.%s. 300 A 192.0.2.66" % TERN]),
           "his own zone has gained only what is its own")

    domain = stage.domain_dn(TERN)
    for what, change, kinds in (
            ("a second name", {"ispmanDomain": [TERN, BANK]}, set()),
            ("two types", {"ispmanDomainType": ["primary", "replica"]}, {"bad-domain-type"}),
            ("himself as master", {"ispmanDomainType": ["replica"], "ispmanReplicaMaster": [TERN]},
             {"bad-replica-master"}),
            ("the bank as master", {"ispmanDomainType": ["replica"], "ispmanReplicaMaster": [BANK]}, set())):
        admin.modify(domain, replace=change)
        scene.settle()
        t.same(everything(scene), want, "his domain entry gets %s: changes no other zone" % what)
        got = {kind for kind, dn in scene.problems() if dn == domain}
        t.ok(kinds <= got, what + ": is said where it is wrong", got)
    admin.modify(domain, replace={"ispmanDomain": [TERN], "ispmanDomainType": ["primary"], "ispmanReplicaMaster": []})
    for _, entries, _ in reversed(CLAIMS):
        for dn, _ in reversed(entries):
            admin.delete(dn)
    scene.settle()
    t.same(scene.problems(), [], "when all of it is removed, nothing is wrong")
    t.same((everything(scene), scene.transfer(TERN)), (want, own), "and everything is as it was")
    scene.is_right(t, "claims")
    admin.close()


def zones_inside_zones(t, box):
    scene = stage.Stage(box, hosting())
    t.same([scene.answers(TERN, rrtype) for rrtype in ("A", "AAAA", "MX", "TXT", "NS")],
           [("NOERROR", answers) for answers in (["A 192.0.2.20"], [], ["MX 10 mx.tern.example."],
                                                 ['TXT "the parent\'s"'], ["NS ns1.isp.example."])],
           "the child's apex is not the parent's")
    t.same((scene.answers("help." + TERN, "A"), scene.answers("help." + SHOP, "CNAME")),
           (("NOERROR", ["A 192.0.2.21"]), ("NOERROR", ["CNAME www.elsewhere.example."])),
           "a CNAME of the child is not one of the parent")
    parent = scene.transfer(TERN)[1]
    t.ok(parent and not [r for r in parent if "shop" in r or "192.0.2.30" in r], "a transfer of the parent has none of it",
         parent)
    t.same((scene.answers(SHOP, "SOA")[0], scene.answers(SHOP, "A"), scene.answers("nosuch." + SHOP, "A")),
           ("NOERROR", ("NOERROR", ["A 192.0.2.30"]), ("NXDOMAIN", [])), "the child answers for itself")
    # What the parent's admin says of names in the child's zone is hidden by the child.
    scene.tree.record(TERN, "help.shop", "A", "192.0.2.99")
    scene.tree.record(TERN, "new.shop", "A", "192.0.2.99")
    scene.tree.record(TERN, "*", "A", "192.0.2.98")
    scene.push()
    scene.settle()
    t.same([scene.answers(name, "A") for name in ("help." + SHOP, "new." + SHOP, "nosuch." + SHOP, "nosuch." + TERN)],
           [("NOERROR", ["CNAME www.elsewhere.example."]), ("NXDOMAIN", []), ("NXDOMAIN", []),
            ("NOERROR", ["A 192.0.2.98"])], "the parent cannot speak inside the child")
    # The parent goes; its node stays, since the child's stands below it.
    scene.remove(stage.domain_dn(TERN))
    scene.push()
    scene.settle()
    t.same((scene.answers(TERN, "A"), scene.answers(SHOP, "A")), (("REFUSED", []), ("NOERROR", ["A 192.0.2.30"])),
           "the parent goes, the child stays")
    scene.tree.domain(TERN, "primary")
    scene.remove(stage.domain_dn(SHOP))
    scene.push()
    scene.settle()
    t.same((scene.answers(TERN, "A"), scene.answers(SHOP, "MX"), scene.answers("new." + SHOP, "A")),
           (("NOERROR", ["A 192.0.2.20"]), ("NOERROR", []), ("NOERROR", ["A 192.0.2.99"])),
           "the parent comes back and the child goes: now its names are the parent's")
    t.ok(not [r for r in scene.transfer(TERN)[1] if "192.0.2.30" in r or "mx.shop" in r], "but not its data")
    scene.is_right(t, "zones inside zones")


stage.main("ops-claims", (claims, zones_inside_zones))
