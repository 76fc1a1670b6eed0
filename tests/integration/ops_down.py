#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""LDAP is away: answers go on, through restarts of everything, and what was changed meanwhile arrives later. A
cache that never was loaded, and one that is too old, cannot tell; it never says that a name does not exist."""

import json
import os
import shutil
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import servers  # noqa: E402
import stage    # noqa: E402

TERN = "tern.example"
WANTED = [
    ("www.tern.example", "A", ("NOERROR", ["A 192.0.2.1"])),
    ("nosuch.tern.example", "A", ("NXDOMAIN", [])),
    ("www.tern.example", "MX", ("NOERROR", [])),
    ("www.heron.example", "A", ("NOERROR", ["A 192.0.2.1"])),
    ("7.2.0.192.in-addr.arpa", "PTR", ("NOERROR", ["PTR ptr.tern.example."])),
    ("other.example", "A", ("REFUSED", [])),
]
NATIVE = """zone "native.test" { type primary; file "%s"; };
zone "deep.under.native.test" { type primary; file "%s"; };
"""


def some_tree():
    tree = stage.tree_of(TERN)
    tree.domain("heron.example", "replica", master=TERN)
    tree.record(TERN, "ptr", "A", "192.0.2.7", pointer="192.0.2.7")
    return tree


def all_answers(scene, named=None):
    return [(name, rrtype, scene.answers(name, rrtype, named)) for name, rrtype, _ in WANTED]


def contact_of(metrics):
    for line in metrics.splitlines():
        if line.startswith("ispman_contact_time_seconds"):
            return float(line.split()[-1])
    return None


def without_ldap(t, box):
    scene = stage.Stage(box, some_tree())
    t.same(all_answers(scene), WANTED, "with LDAP")
    t.same(scene.cached.ctl("status").returncode, 0, "status: all is well")
    scene.disconnect()
    scene.slapd.stop()
    t.same(all_answers(scene), WANTED, "LDAP stops: answers go on")
    servers.wait_until(lambda: scene.cached.ctl("status").returncode == 1, "the status to notice", 20)
    status = scene.status()
    t.ok(status["phase"] in ("waiting", "connecting") and status["error"] and not status["synchronised"],
         "the status says so", status)
    t.ok("NOT synchronised" in scene.cached.ctl("status").stdout, "in words too")
    t.same((status["complete"], status["entries"] > 10, status["zones"]), (True, True, 2), "and what there is")
    age = status["age"]
    servers.wait_until(lambda: scene.status()["age"] > age + 1, "the age to grow", 20)
    contact = contact_of(scene.cached.ctl("metrics").stdout)
    t.ok(contact is not None and 0 < time.time() - contact < 600, "metrics tell the last contact", contact)
    t.same(scene.cached.ctl("wait", "--timeout", "0.3").returncode, 1, "waiting for it ends in time")
    t.same(scene.cached.ctl("verify").returncode, 3, "nothing can be verified")
    t.same((scene.cached.ctl("lookup", "dns", "www." + TERN, "A").returncode,
            scene.cached.ctl("lookup", "dns", "nosuch." + TERN, "A").returncode), (0, 1), "lookups can be made")

    scene.named.stop()
    scene.named.start()
    t.same(all_answers(scene), WANTED, "named is restarted")
    scene.cached.stop()
    t.same(all_answers(scene), WANTED, "ispman-cached is stopped")
    done = scene.cached.ctl("status", "--json")
    status = json.loads(done.stdout)
    t.same((done.returncode, status["synchronised"], status["usable"]), (3, False, True),
           "the status is told without it")
    t.ok(status["age"] >= time.time() - contact - 2, "with the age of the data", (status["age"], contact))
    scene.cached.start(wait=False)
    servers.wait_until(lambda: scene.cached.ctl("status").returncode == 1, "ispman-cached", 20)
    t.same(all_answers(scene), WANTED, "ispman-cached is restarted")
    t.ok(scene.status()["age"] >= time.time() - contact - 2, "it remembers the age", scene.status())
    t.ok(abs(contact_of(scene.cached.ctl("metrics").stdout) - contact) < 2, "so do the metrics")
    done = scene.cached.ctl("rebuild", "--json")
    t.same((done.returncode, json.loads(done.stdout).get("fragments")), (0, 0), "everything is made anew")
    t.same(all_answers(scene), WANTED, "and is the same")
    scene.cached.stop()
    shutil.rmtree(scene.cached.cache_dir + "/dns")
    scene.cached.start(wait=False)
    servers.wait_until(lambda: all_answers(scene) == WANTED, "dns/ to be made anew", 20)
    t.ok(True, "dns/ is lost, and made from directory/ under a running named")
    # named may still hold the files that were lost: the daemon shows by its metrics that it is up.
    told = servers.wait_until(lambda: contact_of(scene.cached.ctl("metrics").stdout), "ispman-cached", 20)
    t.ok(abs(told - contact) < 2, "which makes it no newer")

    # As after an upgrade: only what an older version wrote is there.
    scene.named.stop()
    scene.cached.stop()
    dns = scene.cached.cache_dir + "/dns"
    (present,) = os.listdir(dns)
    older = "%s/%d" % (dns, int(present) - 1)
    os.rename("%s/%s" % (dns, present), older)
    scene.cached.start(wait=False)
    scene.named.start()
    servers.wait_until(lambda: all_answers(scene) == WANTED, "dns/ to be made in the new format", 20)
    t.same((sorted(os.listdir(dns)), os.path.exists(older + "/data.mdb")),
           ([os.path.basename(older), present], True), "dns/ is made in a new format beside the old one")

    # Changes that ispman-cached cannot see yet.
    scene.cached.stop()
    scene.slapd.start()
    scene.tree.record(TERN, "late", "A", "192.0.2.8")
    scene.remove("ispmanDomain=heron.example,o=ispman")
    scene.push()
    scene.disconnect()
    scene.slapd.stop()
    scene.cached.start(wait=False)
    servers.wait_until(lambda: scene.cached.ctl("status").returncode == 1, "ispman-cached", 20)
    t.same(all_answers(scene), WANTED, "old data is answered as long as there is no other")
    scene.slapd.start()
    began = time.monotonic()
    t.same(scene.cached.ctl("wait", "--timeout", "30").returncode, 0, "LDAP is back")
    t.ok(time.monotonic() - began < 15, "whoever waits for it makes ispman-cached look again soon")
    t.same((scene.answers("late." + TERN, "A"), scene.answers("www.heron.example", "A")),
           (("NOERROR", ["A 192.0.2.8"]), ("REFUSED", [])), "what was changed meanwhile is here")
    t.same(scene.cached.ctl("status").returncode, 0, "status: all is well")
    scene.is_right(t, "at the end")


def native_zones(box):
    text = "$TTL 300\n@ IN SOA ns hostmaster 1 3600 600 604800 300\n IN NS ns\nns IN A 192.0.2.99\nwww IN A 192.0.2.98\n"
    path = box.write("native.zone", text)
    return NATIVE % (path, path)


def never_loaded(t, box):
    scene = stage.Stage(box, some_tree(), start=False, named=False)
    scene.slapd.stop()
    zones = native_zones(box)
    scene.named = scene.new_named(zones=zones)
    refusing = scene.new_named("when-unusable=refuse", zones=zones)
    native = [("www.native.test", "A", ("NOERROR", ["A 192.0.2.98"])), ("no.such.native.test", "A", ("NXDOMAIN", [])),
              ("native.test", "NS", ("NOERROR", ["NS ns.native.test."])),
              ("x.y.deep.under.native.test", "A", ("NXDOMAIN", [])),
              ("www.deep.under.native.test", "A", ("NOERROR", ["A 192.0.2.98"]))]

    def check(what):
        names = ("tern.example", "www.tern.example", "x.y.z.tern.example", "7.2.0.192.in-addr.arpa", "test")
        t.same([scene.answers(name, "A") for name in names], [("SERVFAIL", [])] * len(names), what + ": cannot tell")
        t.same([scene.answers(name, "A", refusing) for name in names], [("REFUSED", [])] * len(names),
               what + ": when-unusable=refuse says nothing")
        for named in (scene.named, refusing):
            t.same([(n, r, scene.answers(n, r, named)) for n, r, _ in native], native,
                   what + ": named's own zones are answered")

    check("no cache at all")
    scene.cached.start(wait=False)
    servers.wait_until(lambda: scene.cached.ctl("status").returncode in (0, 1), "ispman-cached", 20)
    check("a cache that was never loaded")
    t.same((scene.status()["complete"], scene.cached.ctl("lookup", "dns", "www." + TERN).returncode), (False, 3),
           "status and lookup know it")
    scene.slapd.start()
    scene.settle()
    servers.wait_until(lambda: all_answers(scene) == WANTED and all_answers(scene, refusing) == WANTED,
                       "named to see the cache", 20)
    t.ok(True, "when LDAP comes, both answer without being told")
    t.same([(n, r, scene.answers(n, r)) for n, r, _ in native], native, "named's own zones are what they were")


def too_old(t, box):
    scene = stage.Stage(box, some_tree(), named=False,
                        settings={"ldap": {"probe-interval": "60s"}, "dns": {"max-age": "3s"}})
    scene.named = scene.new_named("max-age=3s")
    until = time.monotonic() + 5
    rcodes = set()
    while time.monotonic() < until:
        rcodes.add(scene.answers("www." + TERN, "A")[0])
        time.sleep(0.05)
    t.same(rcodes, {"NOERROR"}, "max-age: as long as LDAP is there nothing is too old, even when nothing changes")
    scene.disconnect()
    scene.slapd.stop()
    stopped = time.monotonic()
    servers.wait_until(lambda: scene.answers("www." + TERN, "A")[0] == "SERVFAIL", "the data to be too old", 20)
    t.ok(time.monotonic() - stopped > 1, "when LDAP is gone, the data becomes too old")
    t.same(scene.answers("nosuch." + TERN, "A"), ("SERVFAIL", []), "then nothing can be told")
    t.same(scene.cached.ctl("lookup", "dns", "www." + TERN).returncode, 3, "by ispmanctl either")
    scene.cached.stop()
    scene.cached.start(wait=False)
    servers.wait_until(lambda: scene.cached.ctl("status").returncode == 1, "ispman-cached", 20)
    rcodes = set()
    until = time.monotonic() + 3
    while time.monotonic() < until:
        rcodes.add(scene.answers("www." + TERN, "A")[0])
        time.sleep(0.05)
    t.same(rcodes, {"SERVFAIL"}, "a restart of ispman-cached makes it no younger")
    scene.slapd.start()
    scene.settle()
    servers.wait_until(lambda: scene.answers("www." + TERN, "A")[0] == "NOERROR", "contact", 20)
    t.ok(True, "with LDAP it is right again")


stage.main("ops-down", (without_ldap, never_loaded, too_old))
