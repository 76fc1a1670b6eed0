#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Providers that lie: a replica that lags, a backup that was restored, rights or limits that hide entries, a
database that came up empty. Answers do not go back in time, and nothing is removed that nobody meant to remove."""

import os
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import servers   # noqa: E402
import stage     # noqa: E402
import tcpproxy  # noqa: E402

TERN = "tern.example"
REPLICATION = """syncrepl rid=001 provider=%s bindmethod=simple binddn="cn=manager,o=ispman"
  credentials=manager-secret searchbase="o=ispman" type=refreshAndPersist retry="1 +" timeout=3
"""


class Watcher(threading.Thread):
    """Asks for an address as long as it runs, and keeps all answers and serials that it got."""

    def __init__(self, scene, name, zone=TERN):
        super().__init__(daemon=True)
        self.scene, self.name, self.zone, self.ended = scene, name, zone, False
        self.answers, self.fell, self.last = set(), [], None
        self.start()

    def run(self):
        while not self.ended:
            rcode, answers = self.scene.answers(self.name, "A")
            self.answers.add((rcode, *answers))
            serial = self.scene.serial(self.zone)
            if self.last is not None and stage.serial_distance(self.last, serial) < 0:
                self.fell.append((self.last, serial))
            self.last = serial
            time.sleep(0.01)

    def end(self):
        self.ended = True
        self.join()
        return self.answers


def zones_of(count):
    return ["z%02d.example" % i for i in range(count)]


def rcodes(scene, names):
    return {name: scene.answers("www." + name, "A")[0] for name in names}


def all_are(rcode, names):
    return dict.fromkeys(names, rcode)


def wait_log(scene, *words):
    """A line of ispman-cached's log that holds all WORDS."""
    def found():
        return any(all(word in line for word in words) for line in scene.cached.log().splitlines())
    servers.wait_until(found, "the log to say " + " … ".join(words), 30, scene.cached.process)
    return True


class Pair:
    """A provider with its replica behind a proxy, and a cache that knows both."""

    def __init__(self, box, lag_timeout, tree):
        self.scene = stage.Stage(box, tree, extra_global="serverID 1", start=False, named=False,
                                 settings={"ldap": {"lag-timeout": lag_timeout, "timeout": "2s", "return-interval": "1s"}})
        self.one = self.scene.slapd
        dump = box.path("dump.ldif")
        self.one.dump(dump)
        self.proxy = tcpproxy.Proxy(self.one.port)
        self.two = box.slapd(ldif=dump, name="replica", extra_global="serverID 2",
                             extra_database=REPLICATION % self.proxy.uri)
        self.scene.cached.settings["ldap"]["uri"] = "%s %s" % (self.one.uri, self.two.uri)
        self.scene.cached.write_conf()
        self.scene.cached.start()
        self.scene.named = self.scene.new_named()
        self.in_step()

    def in_step(self):
        def states():
            return [s.search("-b", "o=ispman", "-s", "base", "contextCSN") for s in (self.one, self.two)]
        servers.wait_until(lambda: len(set(states())) == 1, "the replica to catch up", 20)

    def stop_one(self):
        self.scene.disconnect()
        self.one.stop()


def a_replica_that_lags(t, box):
    tree = stage.tree_of(TERN)
    record = tree.record(TERN, "now", "A", "192.0.2.1", layout="flat")
    pair = Pair(box, "60s", tree)
    scene = pair.scene
    pair.proxy.freeze()
    scene.ldap.modify(record, replace={"aRecord": ["192.0.2.2"]})
    scene.tree.record(TERN, "newest", "A", "192.0.2.3")
    scene.push()
    scene.settle()
    watcher = Watcher(scene, "now." + TERN)
    pair.stop_one()
    wait_log(scene, pair.two.uri, "older than what the cache holds")
    status = scene.status()
    t.same((scene.cached.ctl("status").returncode, status["synchronised"]), (1, False),
           "a replica that is behind is not followed")
    servers.wait_until(lambda: scene.status()["phase"] == "lagging", "the phase", 20)
    t.same(scene.answers("newest." + TERN, "A"), ("NOERROR", ["A 192.0.2.3"]), "what it lacks is answered")
    # The replica's own connection is dead and does not know it.
    pair.proxy.thaw()
    pair.two.stop()
    pair.one.start()
    pair.two.start()
    pair.in_step()
    scene.settle()
    t.same(watcher.end(), {("NOERROR", "A 192.0.2.2")}, "no answer went back in time")
    t.same(watcher.fell, [], "no serial either")
    # The replica knows all now: it is followed when the provider goes.
    pair.stop_one()
    servers.wait_until(lambda: scene.cached.ctl("status").returncode == 0 and scene.status()["from"] == pair.two.uri,
                       "fail-over", 30)
    t.same(scene.answers("now." + TERN, "A"), ("NOERROR", ["A 192.0.2.2"]), "one that knows all is followed")
    pair.one.start()
    scene.ldap.modify(record, replace={"aRecord": ["192.0.2.4"]})
    servers.wait_until(lambda: scene.answers("now." + TERN, "A") == ("NOERROR", ["A 192.0.2.4"]), "the change", 30)
    t.ok(True, "and changes arrive when the provider is back")
    pair.proxy.close()


def a_replica_that_stays_behind(t, box):
    tree = stage.tree_of(TERN)
    record = tree.record(TERN, "now", "A", "192.0.2.1", layout="flat")
    pair = Pair(box, "2s", tree)
    scene = pair.scene
    pair.proxy.freeze()
    scene.ldap.modify(record, replace={"aRecord": ["192.0.2.2"]})
    scene.settle()
    watcher = Watcher(scene, "now." + TERN)
    pair.stop_one()
    stopped = time.monotonic()
    servers.wait_until(lambda: scene.answers("now." + TERN, "A") == ("NOERROR", ["A 192.0.2.1"]), "the old state", 30)
    t.ok(time.monotonic() - stopped > 1.9, "after lag-timeout without anyone who knows more, the old state is the true one")
    pair.one.start()
    servers.wait_until(lambda: scene.answers("now." + TERN, "A") == ("NOERROR", ["A 192.0.2.2"]), "the new one", 30)
    t.ok(True, "until the provider comes back with what was newer")
    watcher.end()
    t.same(watcher.fell, [], "and serials only grow")
    scene.settle()
    scene.is_right(t, "after all of it")
    pair.proxy.close()


def restore(scene, backup):
    scene.disconnect()
    scene.slapd.kill()
    scene.slapd.wipe()
    scene.slapd.load(backup)
    scene.slapd.start()


def a_restored_backup(t, box):
    old, late = zones_of(20), ["late%02d.example" % i for i in range(15)]
    tree = stage.tree_of(TERN, *old)
    record = tree.record(TERN, "now", "A", "192.0.2.1", layout="flat")
    scene = stage.Stage(box, tree, settings={"ldap": {"lag-timeout": "2s"}, "dns": {"soa-hold": "0"}})
    backup = box.path("backup.ldif")
    scene.slapd.dump(backup)
    before = dict(scene.known)
    scene.set_value(record, "aRecord", "192.0.2.2")
    for name in late:
        stage.zone(scene.tree, name)
    scene.push()
    scene.settle()
    t.same(rcodes(scene, late), all_are("NOERROR", late), "after the backup much was added")
    serial = scene.serial(TERN)

    restore(scene, backup)
    scene.known = before
    scene.reread()
    wait_log(scene, "older than what the cache holds")
    t.same(scene.answers("now." + TERN, "A"), ("NOERROR", ["A 192.0.2.2"]), "at first the server may only be lagging")
    servers.wait_until(lambda: scene.status()["brake"], "the brake", 30)
    servers.wait_until(lambda: scene.answers("now." + TERN, "A") == ("NOERROR", ["A 192.0.2.1"]), "the backup", 20)
    t.ok(True, "then what was restored is taken")
    t.ok(stage.serial_distance(serial, scene.serial(TERN)) > 0, "with a higher serial")
    t.same(rcodes(scene, late), all_are("NOERROR", late), "but nothing is removed")
    status = scene.status()
    t.same((status["brake"]["zones"] >= 15, status["brake"]["zones_total"] >= 35, status["synchronised"]),
           (True, True, False), "the status has the figures")
    done = scene.cached.ctl("status")
    t.ok(done.returncode == 1 and "THE BRAKE HOLDS" in done.stdout, "and shouts", done.stdout)
    t.ok("brake_held 1" in scene.cached.ctl("metrics").stdout, "so do the metrics")
    wait_log(scene, "BRAKE", "release-brake")

    scene.set_value(record, "aRecord", "192.0.2.3")
    stage.zone(scene.tree, "new.example")
    scene.remove(stage.domain_dn(old[0]))
    scene.push()
    servers.wait_until(lambda: scene.answers("www.new.example", "A")[0] == "NOERROR" and
                       scene.answers("www." + old[0], "A")[0] == "REFUSED", "changes", 20)
    t.same(scene.answers("now." + TERN, "A"), ("NOERROR", ["A 192.0.2.3"]),
           "changes, additions and removals that are announced go on")
    scene.cached.stop()
    scene.cached.start(wait=False)
    servers.wait_until(lambda: scene.cached.ctl("status").returncode == 1 and scene.status()["brake"],
                       "the brake after a restart", 30)
    t.same(rcodes(scene, late), all_are("NOERROR", late), "a restart does not release it")

    t.same(scene.cached.ctl("release-brake").returncode, 0, "it is released")
    scene.settle()
    t.same(rcodes(scene, late), all_are("REFUSED", late), "what the backup lacked is gone")
    t.same((scene.answers("now." + TERN, "A"), rcodes(scene, old[1:])),
           (("NOERROR", ["A 192.0.2.3"]), all_are("NOERROR", old[1:])), "the rest is there")
    t.same((scene.status()["brake"], scene.cached.ctl("release-brake").returncode), (None, 1), "there is nothing more to release")
    scene.is_right(t, "restored")


def many_removals(t, box):
    names = zones_of(24)
    scene = stage.Stage(box, stage.tree_of(*names), settings={"dns": {"soa-hold": "0"}})

    def remove(which):
        for name in which:
            scene.remove(stage.domain_dn(name))
            scene.remove(stage.node_dn(name))
        scene.push()
    remove(names[:8])
    scene.settle()
    t.same((rcodes(scene, names[:8]), scene.status()["brake"]), (all_are("REFUSED", names[:8]), None),
           "what the server announces one by one is removed, how much it may be")
    scene.cached.stop()
    remove(names[8:11])
    # ISPMan's way to change a record: every SOA and every other record is another entry now.
    for name in names[11:]:
        scene.remove_soa(name)
        scene.tree.record(name, "@", "SOA", stage.SOA % 99)
        scene.remove("ou=aRecord," + stage.node_dn(name))
        scene.tree.record(name, "www", "A", "192.0.2.33")
    scene.push()
    scene.cached.start()
    t.same(rcodes(scene, names[8:11]), all_are("REFUSED", names[8:11]), "a few that went meanwhile are removed")
    t.same([scene.answers("www." + name, "A") for name in names[11:]],
           [("NOERROR", ["A 192.0.2.33"])] * len(names[11:]), "what was rewritten in all zones is no removal")
    scene.cached.stop()
    remove(names[11:19])
    scene.cached.start(wait=False)
    servers.wait_until(lambda: scene.cached.ctl("status").returncode == 1 and scene.status()["brake"], "the brake", 30)
    t.same(rcodes(scene, names[11:]), all_are("NOERROR", names[11:]), "many are held")
    t.same(scene.cached.ctl("wait", "--timeout", "0.2").returncode, 1, "which is not synchronised")
    # The admin brings them back: nothing is held any more after the next comparison.
    for name in names[11:19]:
        stage.zone(scene.tree, name)
    scene.push()
    scene.cached.stop()
    scene.cached.start()
    t.same((rcodes(scene, names[11:]), scene.status()["brake"]), (all_are("NOERROR", names[11:]), None),
           "when they are back, nothing is held")
    scene.is_right(t, "many removals")


def reconfigure(scene, old, new):
    """slapd is restarted with OLD replaced by NEW in its configuration."""
    scene.disconnect()
    scene.slapd.stop()
    with open(scene.slapd.conf_path) as f:
        conf = f.read()
    if old not in conf:
        raise ValueError("%r is not in slapd.conf" % old)
    with open(scene.slapd.conf_path, "w") as f:
        f.write(conf.replace(old, new))
    scene.slapd.start()


def rights_and_limits(t, box):
    names = zones_of(24)
    tree = stage.tree_of(*names)
    # More than the limit of 500 that slapd has unless told otherwise.
    for i in range(200):
        tree.record(names[0], "n%d" % i, "A", "192.0.2.%d" % i)
    reader = stage.Reader(tree)
    scene = stage.Stage(box, tree, settings=reader.settings(box), extra_database=reader.access)
    count = scene.status()["entries"]
    t.ok(count > 500, "a cache that reads as a user of its own")

    def touched(what, *words, brake=False):
        """After a change that forces a comparison: nothing is removed, and the log says why."""
        if brake:
            servers.wait_until(lambda: scene.cached.ctl("status").returncode == 1 and scene.status()["brake"],
                               "the brake", 30)
        t.ok(wait_log(scene, *words), what + ": the log says what is wrong")
        t.same(scene.cached.ctl("status").returncode, 1, what + ": so does the status")
        t.same((rcodes(scene, names), scene.answers("n199." + names[0], "A"), scene.status()["entries"]),
               (all_are("NOERROR", names), ("NOERROR", ["A 192.0.2.199"]), count), what + ": nothing is removed")

    def change(i):
        scene.ldap.modify(stage.node_dn(names[1]), replace={"ou": ["change %d" % i]})

    limits = 'limits dn.exact="%s" size=unlimited time=unlimited\n' % reader.dn
    for i, (what, old, new, words) in enumerate((
            ("every right is lost", "by dn.exact=\"%s\" read by anonymous auth by * none" % reader.dn,
             "by anonymous auth by * none", (reader.dn, "by dn.exact=", "read")),
            ("the limit of 500", limits, "limits dn.exact=\"%s\" size=500\n" % reader.dn,
             ("limits dn.exact=\"%s\" size=unlimited" % reader.dn,)))):
        scene.cached.stop()
        reconfigure(scene, old, new)
        # Everything has to be read: the cookie was made for another filter.
        change(i)
        scene.cached.settings["ldap"]["filter"] = "(|(objectClass=*)(cn=%d))" % i
        scene.cached.write_conf()
        scene.cached.start(wait=False)
        touched(what, *words)
        reconfigure(scene, new, old)
        scene.settle()
        t.same(scene.cached.ctl("status").returncode, 0, what + ": when it is put right, all is well")

    hidden = 'access to dn.subtree="ou=DNS,o=ispman" by * none\n'
    access = 'access to * by dn.exact="%s"' % reader.dn
    scene.cached.stop()
    change(9)
    reconfigure(scene, access, hidden + access)
    scene.cached.start(wait=False)
    touched("a part is hidden", "BRAKE", "read rights of the bind DN", brake=True)
    reconfigure(scene, hidden, "")
    change(10)
    scene.cached.stop()
    scene.cached.start()
    t.same((scene.cached.ctl("status").returncode, rcodes(scene, names)), (0, all_are("NOERROR", names)),
           "a part is hidden: when it is put right, all is well")
    scene.is_right(t, "rights and limits")


def another_database(t, box):
    """Somebody starts the server with an empty database, or with quite another one."""
    names = zones_of(12)
    scene = stage.Stage(box, stage.tree_of(*names), settings={"ldap": {"lag-timeout": "1s"}})
    base = box.write("empty.ldif", "dn: o=ispman\nobjectClass: organization\no: ispman\n")
    good = box.path("good.ldif")
    scene.slapd.dump(good)
    restore(scene, base)
    wait_log(scene, "another database")
    servers.wait_until(lambda: scene.status()["brake"], "the brake", 30)
    t.same(rcodes(scene, names), all_are("NOERROR", names), "an empty database empties nothing")
    scene.slapd.kill()
    scene.slapd.wipe()
    scene.slapd.start()
    time_before = len(scene.cached.log())
    servers.wait_until(lambda: "there is no \"o=ispman\"" in scene.cached.log()[time_before:], "the log", 30)
    t.same(rcodes(scene, names), all_are("NOERROR", names), "one without even its suffix does not either")
    restore(scene, good)
    scene.settle()
    t.same((rcodes(scene, names), scene.cached.ctl("status").returncode), (all_are("NOERROR", names), 0),
           "the right one is taken when it is back")
    scene.is_right(t, "another database")


stage.main("ops-provider", (a_replica_that_lags, a_replica_that_stays_behind, a_restored_backup, many_removals,
                            rights_and_limits, another_database))
