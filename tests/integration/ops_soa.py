#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""SOA records and serials while the directory lives: SOAs that are rewritten, missing, wrong; serials that only
grow, by one event each, alike on every server, through restarts, rebuilds and zones that come back."""

import os
import random
import shutil
import socket
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import dnsclient    # noqa: E402
import ispman_ldif  # noqa: E402
import servers      # noqa: E402
import stage        # noqa: E402
import tap          # noqa: E402

TERN, LARK, GULL = "tern.example", "lark.example", "gull.example"
REVERSE = "2.0.192.in-addr.arpa"
HOLD = 4


def soa_serial(message):
    for record in message.answer + message.authority:
        if record.type == 6:
            return int.from_bytes(record.rdata[-20:-16], "big")
    return None


class Client(threading.Thread):
    """Asks without pause; keeps what was wrong."""

    QUESTIONS = (("tern.example", "SOA", "NOERROR"), ("www.tern.example", "A", "NOERROR"),
                 ("nosuch.tern.example", "A", "NXDOMAIN"), ("www.tern.example", "TXT", "NOERROR"),
                 ("heron.example", "SOA", "NOERROR"), ("www.heron.example", "A", "NOERROR"))

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.count, self.wrong, self.ended = address, 0, [], False
        self.serials = {}

    def run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect(self.address[:2])
            s.settimeout(2)
            while not self.ended:
                for name, rrtype, rcode in self.QUESTIONS:
                    self.ask(s, name, rrtype, rcode)

    def ask(self, s, name, rrtype, rcode):
        wire = dnsclient.build_query(name, rrtype)
        try:
            s.send(wire)
            reply = s.recv(4096)
            while reply[:2] != wire[:2]:
                reply = s.recv(4096)
        except OSError as error:
            self.wrong.append((name, rrtype, repr(error)))
            return
        message = dnsclient.Message(reply)
        self.count += 1
        if message.rcode != rcode:
            self.wrong.append((name, rrtype, message.rcode))
        serial = soa_serial(message)
        if serial is None:
            return
        zone = name.split(".", name.count(".") - 1)[-1]
        before = self.serials.get(zone)
        if before is not None and stage.serial_distance(before, serial) < 0:
            self.wrong.append((name, rrtype, "serial %d after %d" % (serial, before)))
        self.serials[zone] = serial


def rewritten_under_load(t, box):
    tree = stage.tree_of(TERN)
    tree.domain("heron.example", "replica", master=TERN)
    scene = stage.Stage(box, tree, settings={"dns": {"soa-hold": "%ds" % HOLD}})
    clients = [Client(scene.named.address) for _ in range(4)]
    rng = random.Random(4)
    first = scene.serial(TERN)
    for client in clients:
        client.start()
    rewrites, longest = 0, 0
    for pause in [0] * 40 + [0.01, 0.1, 0.3] * 5 + [1.0, HOLD - 2, HOLD - 1.5]:
        scene.remove_soa(TERN)
        began = time.monotonic()
        scene.push()
        # The pause is the tool's, between its two operations.
        time.sleep(pause)
        scene.tree.record(TERN, "@", "SOA", stage.SOA % (2026112100 + rewrites))
        scene.push()
        longest = max(longest, time.monotonic() - began)
        rewrites += 1
        if pause and rng.random() < 0.5:
            time.sleep(pause / 4)
    scene.settle()
    for client in clients:
        client.ended = True
    for client in clients:
        client.join()
    asked = sum(client.count for client in clients)
    tap.say("%d rewrites, the longest took %.1f s; %d answers" % (rewrites, longest, asked))
    t.same([w for client in clients for w in client.wrong][:10], [],
           "a SOA that is rewritten again and again is not noticed by those who ask")
    t.ok(asked > 1000, "who were many", asked)
    t.ok(stage.serial_distance(first, scene.serial(TERN)) >= 2 * rewrites,
         "each of the operations has moved the serial")
    t.same(scene.problems(), [], "nothing remains of it")


def poll_while(seconds, question):
    """Asks for SECONDS; the set of answers."""
    answers, until = set(), time.monotonic() + seconds
    while time.monotonic() < until:
        answers.add(question())
        time.sleep(0.05)
    return answers


def held_and_refused(t, box):
    tree = stage.tree_of(TERN, LARK)
    tree.domain("heron.example", "replica", master=TERN)
    scene = stage.Stage(box, tree, settings={"dns": {"soa-hold": "%ds" % HOLD}})
    before = scene.serial(TERN)

    scene.remove_soa(TERN)
    scene.push()
    removed = time.monotonic()
    scene.settle()
    t.same((scene.answers("www." + TERN, "A"), scene.answers("www.heron.example", "A")),
           (("NOERROR", ["A 192.0.2.1"]),) * 2, "without a SOA a zone is served on, and its replica")
    t.same(scene.problems(), [("soa-missing", stage.domain_dn(TERN))], "which is a problem")
    t.same(scene.status()["held_zones"], 1, "and the status counts it")
    servers.wait_until(lambda: scene.answers("www." + TERN, "A")[0] == "REFUSED", "the hold to end", 20)
    took = time.monotonic() - removed
    t.ok(took > HOLD - 0.1, "but not for much longer than soa-hold (%.1f s of %d)" % (took, HOLD))
    t.same((scene.answers(TERN, "SOA"), scene.answers("www.heron.example", "A")), (("REFUSED", []),) * 2,
           "then zone and replica are refused")
    t.same(scene.answers(LARK, "NS")[0], "NOERROR", "others are not")
    t.same((scene.problems(), scene.status()["held_zones"]), ([("soa-missing", stage.domain_dn(TERN))], 0),
           "the problem stays")
    scene.tree.record(TERN, "@", "SOA", stage.SOA % 5)
    scene.push()
    scene.settle()
    t.same(scene.answers("www." + TERN, "A"), ("NOERROR", ["A 192.0.2.1"]), "with a SOA again it is served again")
    t.ok(stage.serial_distance(before, scene.serial(TERN)) > 0, "with a higher serial")
    t.same(scene.problems(), [], "and nothing is wrong any more")

    before = scene.serial(TERN)
    scene.remove_soa(TERN)
    wrong = scene.tree.record(TERN, "@", "SOA", "ns1.isp.example. hostmaster.isp.example. 7 many 600 604800 300")
    scene.push()
    scene.settle()
    kinds = [("soa-invalid", wrong.decode())]
    t.ok(set(kinds) <= set(scene.problems()), "an invalid SOA is a problem", scene.problems())
    got = poll_while(HOLD + 1.5, lambda: (scene.answers("www." + TERN, "A")[0], scene.answers(TERN, "SOA")[0]))
    t.same(got, {("NOERROR", "NOERROR")}, "it is not noticed for as long as it is invalid")
    scene.cached.stop()
    scene.cached.start()
    scene.cached.ctl("rebuild")
    t.same(scene.answers("www." + TERN, "A")[0], "NOERROR", "not by a restart and a rebuild either")
    scene.remove_soa(TERN)
    scene.tree.record(TERN, "@", "SOA", stage.SOA % 6)
    scene.push()
    scene.settle()
    t.ok(stage.serial_distance(before, scene.serial(TERN)) > 0, "the corrected one has a higher serial")
    t.same(scene.problems(), [], "and nothing is wrong")


def csn_seconds(scene, dn):
    """When the entry was changed, as the directory has it."""
    import calendar
    for line in scene.slapd.search("-s", "base", "-b", dn.decode(), "entryCSN").splitlines():
        if line.startswith("entryCSN: "):
            return calendar.timegm(time.strptime(line[10:24], "%Y%m%d%H%M%S"))
    raise AssertionError("no entryCSN")


def serials_move_with_content(t, box):
    tree = stage.tree_of(TERN, LARK)
    tree.domain("heron.example", "replica", master=TERN)
    flat = tree.record(TERN, "flat", "A", ["192.0.2.2", "192.0.2.3"], layout="flat", pointer="192.0.2.2")
    scene = stage.Stage(box, tree)
    zones = (TERN, LARK, "heron.example", REVERSE)

    def serials():
        return {zone: scene.serial(zone) for zone in zones}

    def change(name, moved, function, expected=None):
        """FUNCTION changes the tree; exactly the zones MOVED get another serial."""
        before = serials()
        function()
        scene.push()
        scene.settle()
        after = serials()
        got = {zone for zone in zones if after[zone] != before[zone]}
        ok = t.same((got, min(stage.serial_distance(before[z], after[z]) for z in zones) >= 0), (set(moved), True),
                    name)
        if ok and expected is not None:
            stamp = csn_seconds(scene, expected)
            for zone in moved:
                want = max(before[zone] + 1, stamp)
                t.same(after[zone], want, "%s: once, to the time of the change (%s)" % (name, zone))
        return after

    forward = (TERN, "heron.example")
    for i in range(3):
        change("a value changes", forward,
               lambda: scene.set_value(flat, "aRecord", "192.0.2.%d" % (50 + i)), flat)
    change("dNSTTL is set", forward, lambda: scene.set_value(flat, "dNSTTL", 77), flat)
    t.same({r.ttl for r in scene.ask("flat." + TERN, "A").answer}, {77}, "and is what is answered")
    change("dNSTTL is removed", forward, lambda: scene.set_value(flat, "dNSTTL", None), flat)
    t.same({r.ttl for r in scene.ask("flat." + TERN, "A").answer}, {300}, "then the SOA's minimum is")
    change("a note changes", (), lambda: scene.set_value(flat, "tXTRecord", "a note"))
    change("an address moves in the reverse zone", (REVERSE,),
           lambda: scene.set_value(flat, "pTRRecord", "192.0.2.3"), flat)
    change("a record goes", (*forward, REVERSE), lambda: scene.remove(flat))
    change("a domain that is no zone comes", (), lambda: scene.tree.domain("wren.example", "nodns"))
    setting = "ispmanVar=catchAllCNAME,ispmanModule=dns_vars,ou=conf,o=ispman"
    t.same(scene.answers("nosuch." + TERN, "A"), ("NXDOMAIN", []), "no catch-all so far")
    change("catchAllCNAME moves every zone", zones, lambda: scene.set_value(setting, "ispmanVal", "www "))
    t.same([scene.answers("nosuch." + zone, "CNAME") for zone in (TERN, LARK, "heron.example")],
           [("NOERROR", ["CNAME www.%s." % zone]) for zone in (TERN, LARK, "heron.example")],
           "and is answered in all of them")
    change("another question in its entry moves none", (),
           lambda: scene.set_value(setting, "ispmanQuestion", "what?"))
    change("catchAllCNAME goes", zones, lambda: scene.set_value(setting, "ispmanVal", "none"))
    t.same(scene.answers("nosuch." + TERN, "A"), ("NXDOMAIN", []), "and with it its answers")
    scene.is_right(t, "serials")


def stored_serials(t, box):
    tree = stage.tree_of(TERN, LARK)
    scene = stage.Stage(box, tree, settings={"dns": {"serial": "stored"}})
    t.same((scene.serial(TERN), scene.serial(LARK)), (1, 1), "serial = stored: as it is in the directory")
    for serial in (2026112101, 4294967295, 7):
        scene.remove_soa(TERN)
        scene.tree.record(TERN, "@", "SOA", stage.SOA % serial)
        scene.push()
        scene.settle()
        t.same(scene.serial(TERN), serial, "%d" % serial)
    scene.tree.record(TERN, "new", "A", "192.0.2.9")
    scene.push()
    scene.settle()
    t.same(scene.serial(TERN), 7, "a change of content does not move it")
    scene.remove_soa(TERN)
    dn = scene.tree.record(TERN, "@", "SOA", stage.SOA % 20261121100)
    scene.push()
    scene.settle()
    t.same(scene.answers("www." + TERN, "A"), ("NOERROR", ["A 192.0.2.1"]), "eleven digits: the zone is served")
    t.same(scene.problems(), [("bad-serial", dn.decode())], "and a problem says it")
    t.ok(scene.serial(TERN) > 7, "with a serial that was made")
    scene.cached.stop()
    scene.cached.settings["dns"]["serial"] = "auto"
    scene.cached.write_conf()
    before = scene.serial(LARK)
    scene.cached.start()
    servers.wait_until(lambda: scene.serial(LARK) != before, "the other way of counting", 20)
    t.ok(stage.serial_distance(before, scene.serial(LARK)) > 0, "serial = auto goes on from there")


def servers_agree(t, box):
    names = ["z%d.example" % i for i in range(8)]
    tree = stage.tree_of(*names)
    tree.domain("heron.example", "replica", master=names[0])
    tree.record(names[0], "ptr", "A", "192.0.2.7", pointer="192.0.2.7")
    scene = stage.Stage(box, tree)
    other = box.cached(slapd=scene.slapd, settings=scene.settings, name="second")
    second = box.named(dlz=other, options=stage.NAMED_OPTIONS)
    rng = random.Random(8)
    zones = names + ["heron.example", REVERSE]
    flats = {name: scene.tree.record(name, "flat", "A", "192.0.2.1", layout="flat") for name in names}
    scene.push()

    def all_serials(named):
        return {zone: scene.serial(zone, named) for zone in zones}

    def agree(what):
        scene.settle()
        scene.settle(cached=other)
        return t.same(all_serials(second), all_serials(scene.named), what)

    for i in range(150):
        name = rng.choice(names)
        kind = rng.randrange(6)
        if kind == 0:
            scene.remove_soa(name)
            scene.push()
            scene.tree.record(name, "@", "SOA", stage.SOA % rng.choice((1, 2026112101, int(time.time()) + i)))
            scene.push()
        elif kind == 1:
            scene.tree.setting("catchAllCNAME", "none")
            scene.set_value("ispmanVar=catchAllCNAME,ispmanModule=dns_vars,ou=conf,o=ispman", "ispmanVal",
                            rng.choice(("www", "none")))
            scene.push()
        else:
            # Straight to the server, as fast as it takes them.
            scene.ldap.modify(flats[name], replace={"aRecord": ["192.0.2.%d" % rng.randrange(1, 250)]})
    agree("two caches of one directory agree on all serials after 150 changes")
    at_load = all_serials(scene.named)

    scene.cached.ctl("rebuild")
    t.same(all_serials(scene.named), at_load, "a rebuild moves none")
    scene.cached.stop()
    scene.cached.start()
    t.same(all_serials(scene.named), at_load, "nor does a restart")
    scene.cached.kill()
    shutil.rmtree(scene.cached.cache_dir + "/dns")
    scene.cached.start()
    scene.box.release(scene.named)
    scene.named = box.named(dlz=scene.cached, options=stage.NAMED_OPTIONS)
    t.same(all_serials(scene.named), at_load, "nor does the loss of dns/")
    scene.cached.stop()
    for i in range(20):
        scene.ldap.modify(flats[names[i % 8]], replace={"aRecord": ["192.0.2.%d" % (100 + i)]})
    scene.cached.start()
    scene.settle(cached=other)
    ahead = {z: stage.serial_distance(at_load[z], s) for z, s in all_serials(scene.named).items()}
    t.ok(min(ahead.values()) >= 0 and all(ahead[z] > 0 for z in names),
         "who was away meanwhile has a newer serial for what changed, and no older one", ahead)

    for wipe in (False, True):
        before = scene.serial(names[3])
        tops = [ispman_ldif.dn_key(dn.encode()) for dn in (stage.node_dn(names[3]), stage.domain_dn(names[3]))]
        gone = [(dn, list(attributes)) for key, (dn, attributes) in scene.tree.entries.items()
                if any(stage.is_below(key, top) for top in tops)]
        scene.remove(stage.domain_dn(names[3]))
        scene.remove(stage.node_dn(names[3]))
        scene.push()
        scene.settle()
        t.same(scene.answers("www." + names[3], "A"), ("REFUSED", []), "a zone vanishes")
        if wipe:
            scene.cached.stop()
            scene.cached.start()
            scene.cached.ctl("rebuild")
        for dn, attributes in gone:
            scene.tree.add(dn, attributes)
        scene.push()
        scene.settle()
        t.ok(stage.serial_distance(before, scene.serial(names[3])) > 0,
             "it comes back, and does not go back" + (" after restart and rebuild" if wipe else ""))
        t.same(scene.answers("www." + names[3], "A"), ("NOERROR", ["A 192.0.2.1"]), "with its content")
    scene.is_right(t, "after all of it")


stage.main("ops-soa", (rewritten_under_load, held_and_refused, serials_move_with_content, stored_serials,
                       servers_agree))
