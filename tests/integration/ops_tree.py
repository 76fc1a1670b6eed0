#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""The directory's tree is rearranged under a live cache: subtrees are renamed and moved, entries replaced, domains
change their kind. After each step the answers are those of the new tree, and the same as a cache loaded from nothing."""

import json
import os
import random
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import dnsclient    # noqa: E402
import ldapclient   # noqa: E402
import servers      # noqa: E402
import stage        # noqa: E402
import tap          # noqa: E402

TERN, LARK, HERON = "tern.example", "lark.example", "heron.example"
NO_HOLD = {"dns": {"soa-hold": "0"}}
DNS = "ou=DNS,o=ispman"
REFUSED, GONE, NOTHING = ("REFUSED", []), ("NXDOMAIN", []), ("NOERROR", [])


def a(*addresses):
    return "NOERROR", ["A " + address for address in addresses]


def same_as_fresh(t, scene, zones, what):
    """A cache that is loaded from nothing gives the same answers and the same problems."""
    fresh = scene.box.cached(slapd=scene.slapd, settings=scene.settings, name="fresh")
    named = scene.box.named(dlz=fresh, options=stage.NAMED_OPTIONS, dlz_arguments="allow-transfer=127.0.0.1")
    for zone in zones:
        t.same(scene.transfer(zone), scene.transfer(zone, named), "%s: %s is as in a fresh cache" % (what, zone))
    # Which one of several equal records is one too many is for the order in which they came.
    live, loaded = ([(kind, "" if kind == "duplicate-record" else dn) for kind, dn in scene.problems(cached)]
                    for cached in (scene.cached, fresh))
    t.same(sorted(live), sorted(loaded), what + ": so are the problems") or t.same(([p for p in live if p not in loaded], [p for p in loaded if p not in live]), ([], []),
           what + ": these differ")
    scene.box.release(named, fresh)


class Steps:
    def __init__(self, t, scene):
        self.t, self.scene = t, scene

    def __call__(self, name, action, *expected):
        """EXPECTED: (owner, type, answer)."""
        action()
        self.scene.push()
        self.scene.settle()
        self.t.same([(n, r, self.scene.answers(n, r)) for n, r, _ in expected], list(expected), name)
        verify = self.scene.cached.ctl("verify")
        if verify.returncode:
            self.t.ok(False, name + ": verified", verify.stdout)


def two_zones():
    tree = stage.tree_of(TERN, LARK)
    tree.domain(HERON, "replica", master=TERN)
    tree.record(TERN, "@", "TXT", "tern's")
    tree.record(TERN, "mail", "A", "192.0.2.2", pointer="192.0.2.2")
    tree.record(TERN, "mail", "MX", "10 mail")
    tree.record(TERN, "flat", "A", ["192.0.2.3", "192.0.2.4"], layout="flat")
    tree.record(LARK, "own", "A", "192.0.2.5")
    between = tree.branch("ou", "old", tree.branch("ou", "archive", tree.zone_node(TERN)))
    tree.entry(TERN, "deep", [("aRecord", "192.0.2.6")], between, ["A"])
    return tree


def renames(t, box):
    scene = stage.Stage(box, two_zones(), settings=NO_HOLD)
    step = Steps(t, scene)
    node, lark = stage.node_dn(TERN), stage.node_dn(LARK)
    www, mail, text = ("www." + TERN, "A", a("192.0.2.1")), ("mail." + TERN, "A", a("192.0.2.2")), \
        (TERN, "TXT", ("NOERROR", ['TXT "tern\'s"']))
    whole = (www, mail, text, ("www." + HERON, "A", a("192.0.2.1")), ("www." + LARK, "A", a("192.0.2.1")),
             ("2.2.0.192.in-addr.arpa", "PTR", ("NOERROR", ["PTR mail.tern.example."])))
    step("before", lambda: None, *whole)
    step("a zone node gets another name", lambda: scene.rename(node, "dc=tarn"),
         ("www." + TERN, "A", REFUSED), ("www." + HERON, "A", REFUSED), ("2.2.0.192.in-addr.arpa", "PTR", GONE),
         ("www." + LARK, "A", a("192.0.2.1")))
    t.ok(("soa-missing", stage.domain_dn(TERN)) in scene.problems(), "the lack of its zone is a problem")
    step("and the old one again", lambda: scene.rename("dc=tarn,dc=example," + DNS, "dc=tern"), *whole)
    t.same(scene.problems(), [], "nothing is wrong")
    step("in capitals", lambda: scene.rename(node, "dc=TERN"), *whole)
    step("with blanks", lambda: scene.rename("dc=TERN,dc=example," + DNS, "dc= tern "), *whole)
    scene.rename(node, "dc=tern")
    step("a grouping node whose name means nothing", lambda: scene.rename("ou=aRecord," + node, "ou=addresses"), *whole)
    step("one whose name means much", lambda: scene.rename("ou=tXTRecord," + node, "ou=notes"),
         www, mail, (TERN, "TXT", NOTHING))
    step("back", lambda: scene.rename("ou=notes," + node, "ou=tXTRecord"), *whole)
    step("the SOA's", lambda: scene.rename("ou=sOARecord," + node, "ou=other"),
         ("www." + TERN, "A", REFUSED), ("www." + HERON, "A", REFUSED))
    step("back", lambda: scene.rename("ou=other," + node, "ou=sOARecord"), *whole)
    step("ou=DNS is renamed", lambda: scene.rename(DNS, "ou=DNSold"),
         ("www." + TERN, "A", REFUSED), ("www." + LARK, "A", REFUSED), ("2.2.0.192.in-addr.arpa", "PTR", GONE))
    step("and back", lambda: scene.rename("ou=DNSold,o=ispman", "ou=DNS"), *whole)
    step("ou=DNS is moved away", lambda: scene.rename(DNS, "ou=DNS", "ou=conf,o=ispman"),
         ("www." + TERN, "A", REFUSED), ("www." + LARK, "A", REFUSED))
    step("and back", lambda: scene.rename("ou=DNS,ou=conf,o=ispman", "ou=DNS", "o=ispman"), *whole)
    deep = ("deep." + TERN, "A", a("192.0.2.6"))
    step("a level in between gets a name that is not ASCII",
         lambda: scene.rename("ou=archive," + node, b"ou=\xc3\xa4rchive"), deep, *whole)
    step("records are moved to another zone", lambda: scene.rename(
        "ou=addresses," + node, "ou=addresses", lark),
        ("www." + TERN, "A", GONE), ("mail." + TERN, "A", NOTHING), ("www." + HERON, "A", GONE),
        ("www." + LARK, "A", a("192.0.2.1")), ("mail." + LARK, "A", GONE))
    claims = [dn for kind, dn in scene.problems() if kind == "foreign-claim"]
    t.ok(len(claims) == 2 and all("ou=addresses," + lark in dn for dn in claims), "where they are foreign claims", claims)

    def claim():
        for dn, attributes in scene.tree.entries.values():
            if b"ou=addresses," in dn and dn.startswith(b"relativeDomainName"):
                scene.set_value(dn, "zoneName", LARK)
    step("until they say that they belong there", claim, ("mail." + LARK, "A", a("192.0.2.2")),
         ("mail." + TERN, "A", NOTHING), ("2.2.0.192.in-addr.arpa", "PTR", ("NOERROR", ["PTR mail.lark.example."])))
    t.same([kind for kind, _ in scene.problems()], ["duplicate-record"], "then only www is there twice")
    step("an owner is renamed", lambda: scene.rename("relativeDomainName=flat," + node, "relativeDomainName=f\\2at"),
         ("flat." + TERN, "A", GONE), ("f*t." + TERN, "A", a("192.0.2.3", "192.0.2.4")))
    scene.is_right(t, "renames")
    same_as_fresh(t, scene, (TERN, LARK, HERON), "renames")


def replaced(t, box):
    """Another entry with the same DN: live, and while ispman-cached is away, with and without a session log."""
    for log in (0, 1000):
        title = "session log" if log else "no session log"
        tree = two_zones()
        name = tree.record(TERN, "one", "A", "192.0.2.31", layout="flat")
        scene = stage.Stage(box, tree, settings=NO_HOLD, sessionlog=log)
        step = Steps(t, scene)

        def replace(value):
            scene.remove(name)
            scene.push()
            scene.tree.record(TERN, "one", "A", value, layout="flat")
            scene.push()
        step(title + ": replaced while live", lambda: replace("192.0.2.32"), ("one." + TERN, "A", a("192.0.2.32")))
        scene.cached.stop()
        replace("192.0.2.33")
        scene.cached.start()
        step(title + ": replaced while away", lambda: None, ("one." + TERN, "A", a("192.0.2.33")))
        # Two exchange their names; a subtree makes room for another one of its name.
        other = scene.tree.record(TERN, "two", "A", "192.0.2.34", layout="flat")
        scene.push()

        def exchange():
            for old, new in (("one", "spare"), ("two", "one"), ("spare", "two")):
                scene.rename("relativeDomainName=%s,%s" % (old, stage.node_dn(TERN)), "relativeDomainName=" + new)
        swapped = (("one." + TERN, "A", a("192.0.2.34")), ("two." + TERN, "A", a("192.0.2.33")))
        step(title + ": two exchange their names", exchange, *swapped)
        scene.cached.stop()
        exchange()
        scene.cached.start()
        step(title + ": and back while away", lambda: None, ("one." + TERN, "A", a("192.0.2.33")),
             ("two." + TERN, "A", a("192.0.2.34")))
        scene.cached.stop()
        scene.rename("ou=aRecord," + stage.node_dn(TERN), "ou=old")
        scene.tree.record(TERN, "newer", "A", "192.0.2.35")
        scene.remove(other)
        scene.push()
        scene.cached.start()
        step(title + ": a branch is renamed and another one made in its place", lambda: None,
             ("www." + TERN, "A", a("192.0.2.1")), ("newer." + TERN, "A", a("192.0.2.35")),
             ("two." + TERN, "A", GONE))
        scene.is_right(t, title)
        same_as_fresh(t, scene, (TERN, HERON), title)
        box.release(scene.named, scene.cached, scene.slapd)


def parents_that_are_not_seen(t, box):
    tree = two_zones()
    reader = stage.Reader(tree)
    node = stage.node_dn(TERN)
    hidden = "".join('access to dn.exact="%s" by * none\n' % dn for dn in (
        node, "ou=aRecord," + node, "dc=example," + DNS))
    scene = stage.Stage(box, tree, settings=dict(reader.settings(box), **NO_HOLD), extra_database=hidden + reader.access)
    step = Steps(t, scene)
    whole = (("www." + TERN, "A", a("192.0.2.1")), ("mail." + TERN, "A", a("192.0.2.2")),
             ("www." + HERON, "A", a("192.0.2.1")), ("www." + LARK, "A", a("192.0.2.1")))
    step("records are found below entries that may not be read", lambda: None, *whole)
    scene.tree.record(TERN, "more", "A", "192.0.2.9")
    step("changes below them, too", lambda: None, ("more." + TERN, "A", a("192.0.2.9")), *whole)
    scene.disconnect()
    scene.slapd.stop()
    with open(scene.slapd.conf_path) as f:
        conf = f.read()
    with open(scene.slapd.conf_path, "w") as f:
        f.write(conf.replace(hidden, ""))
    scene.slapd.start()
    scene.set_value("dc=example," + DNS, "ou", "now it is seen")
    scene.set_value(node, "ou", "and this")
    scene.set_value("ou=aRecord," + node, "relativeDomainName", "so is this")
    step("the parents come after their children", lambda: None, *whole)
    step("and take them along", lambda: scene.rename("ou=aRecord," + node, "ou=here"), *whole)
    step("wherever they go", lambda: scene.rename(node, "dc=tarn"), ("www." + TERN, "A", REFUSED))
    step("and return", lambda: scene.rename("dc=tarn,dc=example," + DNS, "dc=tern"), *whole)


def odd_names(t, box):
    tree = stage.tree_of(TERN)
    scene = stage.Stage(box, tree, settings=NO_HOLD)
    node = stage.node_dn(TERN)
    odd = [
        ("RELATIVEDOMAINNAME = Upper , DC = tern,dc=EXAMPLE , ou=dns,O=ISPMAN", "Upper", "upper"),
        ("relativeDomainName=\\63omma\\2cx," + node, "comma,x", "comma,x"),
        ("relativeDomainName=\\23hash," + node, "#hash", "#hash"),
        ("relativeDomainName=a\\=b\\+c\\;d\\<e\\>," + node, "a=b+c;d<e>", "a=b+c;d<e>"),
        ("relativeDomainName=quote\\\"s," + node, "quote\"s", "quote\\\"s"),
        ("relativeDomainName=multi+zoneName=tern.example," + node, "multi", "multi"),
        ("relativeDomainName=under_score._tcp," + node, "under_score._tcp", "under_score._tcp"),
        ("relativeDomainName=*.wild," + node, "*.wild", "any.wild"),
    ]
    for i, (dn, owner, _) in enumerate(odd):
        scene.ldap.add(dn, [("objectClass", "dNSZone"), ("zoneName", TERN), ("relativeDomainName", owner),
                            ("aRecord", "192.0.2.%d" % (100 + i))])
    scene.settle()
    want = [a("192.0.2.%d" % (100 + i)) for i in range(len(odd))]

    def answers():
        return [scene.answers("%s.%s" % (asked, TERN), "A") for _, _, asked in odd]
    t.same(answers(), want, "names with letters of both cases, blanks and escapes")
    t.same(scene.problems(), [], "nothing is wrong with them")
    scene.is_right(t, "odd names")
    scene.ldap.rename("dc=example," + DNS, "dc=\\45xample")
    scene.settle()
    t.same(answers(), want, "a level above them is spelled otherwise")
    scene.is_right(t, "spelled otherwise")
    for dn, _, _ in odd:
        scene.ldap.delete(dn)
    scene.settle()
    t.same({rcode for rcode, _ in answers()}, {"NXDOMAIN"}, "they go")
    same_as_fresh(t, scene, (TERN,), "odd names")


def domains(t, box):
    tree = two_zones()
    tree.record(TERN, "who", "TXT", "tern")
    tree.record(LARK, "who", "TXT", "lark")
    # In the replica this is twice the same.
    tree.record(TERN, "twice", "MX", "10 mail")
    tree.record(TERN, "twice", "MX", "10 mail.%s." % HERON)
    tree.record(TERN, "alias", "SRV", "1 1 1 www")
    tree.record(TERN, "alias", "SRV", "1 1 1 www.%s." % HERON)
    scene = stage.Stage(box, tree, settings=NO_HOLD)
    step = Steps(t, scene)
    tern, lark, heron = (stage.domain_dn(name) for name in (TERN, LARK, HERON))

    def who(zone, of=None):
        return "who." + zone, "TXT", ("NOERROR", ['TXT "%s"' % of]) if of else REFUSED
    step("a replica", lambda: None, who(TERN, "tern"), who(LARK, "lark"), who(HERON, "tern"),
         ("mail." + HERON, "MX", ("NOERROR", ["MX 10 mail.heron.example."])))
    step("records that are one at the replica's origin are answered once", lambda: None,
         ("twice." + HERON, "MX", ("NOERROR", ["MX 10 mail.heron.example."])),
         ("alias." + HERON, "SRV", ("NOERROR", ["SRV 1 1 1 www.heron.example."])),
         ("twice." + TERN, "MX", ("NOERROR", ["MX 10 mail.heron.example.", "MX 10 mail.tern.example."])))
    t.same(len(scene.answers("twice." + HERON, "ANY")[1]), 1, "also to ANY")
    records = scene.transfer(HERON)[1]
    t.same([r for r in records if records.count(r) > 1], [], "and transferred once")
    step("its master changes", lambda: scene.set_value(heron, "ispmanReplicaMaster", LARK), who(HERON, "lark"))
    step("to a name in other letters", lambda: scene.set_value(heron, "ispmanReplicaMaster", "TERN.Example"),
         who(HERON, "tern"))
    step("to itself", lambda: scene.set_value(heron, "ispmanReplicaMaster", HERON), who(HERON))
    t.same(scene.problems(), [("bad-replica-master", heron)], "which is a problem")
    step("to what is not there", lambda: scene.set_value(heron, "ispmanReplicaMaster", "nowhere.example"), who(HERON))
    step("and back", lambda: scene.set_value(heron, "ispmanReplicaMaster", TERN), who(HERON, "tern"))
    t.same(scene.problems(), [], "nothing is wrong")

    def becomes(dn, kind, master=None):
        scene.set_value(dn, "ispmanDomainType", kind)
        scene.set_value(dn, "ispmanReplicaMaster", master)
    for kind in ("nodns", "slave"):
        step("the master becomes " + kind, lambda: becomes(tern, kind), who(TERN), who(HERON), who(LARK, "lark"))
        step("and primary again", lambda: becomes(tern, "primary"), who(TERN, "tern"), who(HERON, "tern"))
    step("a chain of replicas is not followed", lambda: becomes(tern, "replica", LARK),
         who(TERN, "lark"), who(HERON))
    step("until it is none", lambda: becomes(tern, "primary"), who(TERN, "tern"), who(HERON, "tern"))
    step("a circle is none either", lambda: (becomes(tern, "replica", LARK), becomes(lark, "replica", TERN)),
         who(TERN), who(LARK), who(HERON))
    step("all is undone", lambda: (becomes(tern, "primary"), becomes(lark, "primary")),
         who(TERN, "tern"), who(LARK, "lark"), who(HERON, "tern"))
    step("a replica becomes a primary without a zone", lambda: becomes(heron, "primary"), who(HERON))
    t.same(scene.problems(), [("soa-missing", heron)], "which is a problem")
    step("a type that is none", lambda: becomes(heron, "secondary"), who(HERON))
    t.same(scene.problems(), [("bad-domain-type", heron)], "so is that")
    step("the master goes", lambda: (becomes(heron, "replica", TERN), scene.remove(tern)), who(TERN), who(HERON))
    step("and comes", lambda: scene.tree.domain(TERN, "primary"), who(TERN, "tern"), who(HERON, "tern"))
    scene.is_right(t, "domains")
    same_as_fresh(t, scene, (TERN, LARK, HERON), "domains")


class Watcher(threading.Thread):
    """Asks for a name as long as it runs; the set of rcodes."""

    def __init__(self, address, name):
        super().__init__(daemon=True)
        self.address, self.name, self.ended, self.rcodes = address, name, False, set()

    def run(self):
        wire = dnsclient.build_query(self.name, "A")
        while not self.ended:
            self.rcodes.add(dnsclient.Message(dnsclient.ask_udp(self.address, wire)).rcode)


def a_large_zone(t, box, count=3000):
    """The records are of both zones, by their zoneName; where they stand decides."""
    tree = stage.tree_of(TERN, "big.example")
    tree.domain("bag.example", "primary")
    for i in range(count):
        tree.record("big.example", "n%d" % i, "A", "192.0.2.%d" % (i % 250), layout="flat")
    node = stage.node_dn("big.example")
    for dn, attributes in tree.entries.values():
        if dn.endswith(node.encode()) and dn.startswith(b"relativeDomainName"):
            attributes.append(("zoneName", "bag.example"))
    scene = stage.Stage(box, tree, settings=NO_HOLD)
    last = "n%d." % (count - 1)
    t.same((scene.answers(last + "big.example", "A")[0], scene.answers(last + "bag.example", "A")),
           ("NOERROR", REFUSED), "the records stand in one zone")
    watcher = Watcher(scene.named.address, "www." + TERN)
    watcher.start()
    began = time.monotonic()
    scene.rename(node, "dc=bag")
    scene.settle()
    took = time.monotonic() - began
    t.same((scene.answers(last + "big.example", "A"), scene.answers(last + "bag.example", "A")[0]),
           (REFUSED, "NOERROR"), "one rename, and they stand in the other")
    tap.say("%d records moved in %.2f s" % (count, took))
    t.same(len(scene.transfer("bag.example")[1]), count + 2, "all of them")
    scene.rename("dc=bag,dc=example," + DNS, "dc=big")
    scene.settle()
    watcher.ended = True
    watcher.join()
    t.same(watcher.rcodes, {"NOERROR"}, "other zones are answered meanwhile")
    t.same(len(scene.transfer("big.example")[1]), count + 2, "and back")
    done = scene.cached.ctl("verify", "--json")
    t.same(done.returncode, 0, "verified") or tap.say(done.stdout[:2000])
    t.same(json.loads(scene.cached.ctl("rebuild", "--json").stdout).get("fragments"), 0, "nothing is left to be rebuilt")


def shuffled(t, box):
    """Random moves, removals and additions, compared with what a fresh load makes of the result."""
    seed = int(os.environ.get("ISPMAN_SEED", random.randrange(1 << 30)))
    tap.say("seed %d" % seed)
    rng = random.Random(seed)
    tree = two_zones()
    scene = stage.Stage(box, tree, settings=NO_HOLD)
    second = box.cached(slapd=scene.slapd, settings=scene.settings, name="second")
    refused = done = 0
    tops = [stage.dn_key(dn) for dn in ("ou=conf,o=ispman", "o=ispman")]
    for round_number in range(12):
        away = rng.random() < 0.5
        if away:
            second.stop()
        for _ in range(25):
            nodes = [dn for key, (dn, _) in scene.tree.entries.items()
                     if key not in tops and not stage.is_below(key, tops[0])]
            dn = rng.choice(nodes)
            kind = rng.randrange(10)
            try:
                if kind < 5:
                    below = rng.choice(nodes + [DNS.encode()])
                    if stage.is_below(stage.dn_key(below), stage.dn_key(dn)):
                        continue
                    scene.rename(dn, dn.split(b",", 1)[0], below)
                elif kind < 7:
                    name = dn.split(b"=", 1)[0]
                    if name in (b"ou", b"dc"):
                        scene.rename(dn, name + b"=" + rng.choice(
                            (b"aRecord", b"sOARecord", b"tXTRecord", b"tern", b"lark", b"Example", b"x", b"DNS")))
                elif kind < 8 and dn.startswith(b"relativeDomainName"):
                    scene.remove(dn)
                else:
                    zone = rng.choice((TERN, LARK))
                    rrtype, value = rng.choice((("A", "192.0.2.%d" % rng.randrange(250)), ("TXT", "t%d" % rng.randrange(99)),
                                                ("SOA", stage.SOA % 3), ("CNAME", "www")))
                    scene.tree.record(zone, "@" if rrtype == "SOA" else rng.choice(("www", "mail", "@", "n1")), rrtype, value)
                    if rng.random() < 0.1:
                        scene.tree.domain(zone, "primary")
                scene.push()
                done += 1
            except ldapclient.Refused:
                refused += 1
                scene.reread()
        if away:
            second.start(wait=False)
        scene.settle()
        scene.settle(cached=second)
        for cached in (scene.cached, second):
            verify = cached.ctl("verify")
            rebuild = json.loads(cached.ctl("rebuild", "--json").stdout)
            if verify.returncode or rebuild.get("fragments") != 0:
                t.ok(False, "round %d: %s is right (seed %d)" % (round_number, cached.name, seed),
                     verify.stdout[:3000] + str(rebuild))
                return
    tap.say("%d changes, %d refused by slapd" % (done, refused))
    t.ok(True, "after each of twelve rounds of random changes both caches are right")
    t.same(scene.problems(second), scene.problems(), "both see the same problems")
    same_as_fresh(t, scene, (TERN, LARK, HERON), "random changes (seed %d)" % seed)


stage.main("ops-tree", (renames, replaced, parents_that_are_not_seen, odd_names, domains, a_large_zone, shuffled))
