#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Several servers, and servers that fail: fail-over and return, replicas that are behind, restored backups,
foreign databases, connections that died without a word."""

import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import syncscene  # noqa: E402
import tcpproxy   # noqa: E402
from syncscene import ACCESS, BASE, LIMITS, Scene, describe, ou, ou_entry, rename  # noqa: E402

REPLICATION = """syncrepl rid=001 provider=%s bindmethod=simple binddn="cn=manager,o=ispman"
  credentials=manager-secret searchbase="o=ispman" type=refreshAndPersist retry="1 +" timeout=3
"""


class Pair:
    """A provider, and its replica behind a proxy, with equal entryUUIDs."""

    def __init__(self, box):
        self.scene = Scene(box, extra_global="serverID 1")
        self.one = self.scene.slapd
        self.one.dump(box.path("dump.ldif"))
        self.proxy = tcpproxy.Proxy(self.one.port)
        self.two = Scene(box, ldif=box.path("dump.ldif"), name="replica", extra_global="serverID 2",
                         access=ACCESS + LIMITS + REPLICATION % self.proxy.uri).slapd

    def probe(self, **options):
        return self.scene.probe(uri=[self.one.uri, self.two.uri], **options)

    def in_step(self):
        def states():
            return [s.search("-b", BASE, "-s", "base", "contextCSN") for s in (self.one, self.two)]

        syncscene.servers.wait_until(lambda: len(set(states())) == 1, "the replica to catch up")


def fail_over_and_return(t, box):
    pair = Pair(box)
    probe = pair.probe(return_interval=1, timeout=3)
    probe.wait_refresh()
    probe.wait_phase("synchronised")
    t.same(probe.status()["uri"], pair.one.uri, "the first server is preferred")
    describe(pair.one, ou("unit1"), "before")
    probe.wait_line("^entry .*description=before")
    pair.in_step()
    pair.one.stop()
    probe.wait_said(pair.two.uri, "synchronised")
    t.same(probe.status()["uri"], pair.two.uri, "when it is gone, the second one is followed")
    t.ok("begin full" not in probe.lines[1:], "from the same cookie")
    began = time.monotonic()
    pair.one.start()
    probe.wait_said("the preferred server is back")
    probe.wait_said(pair.one.uri, "synchronised")
    t.ok(time.monotonic() - began < 10, "when it is back, so are we")
    describe(pair.one, ou("unit1"), "after")
    probe.wait_line("^entry .*description=after")
    t.case("and nothing is missing", probe.wait_same, pair.one)
    t.ok("begin full" not in probe.lines[1:], "nor was everything read again")
    pair.proxy.close()


def servers_that_are_both_written_to(t, box):
    """Each one's changes reach us over the other, whoever it was that we followed before."""
    pair = Pair(box)
    pair.one.stop()
    pair.two.stop()
    for server, provider in ((pair.one, pair.two.uri), (pair.two, None)):
        with open(server.conf_path, "a", encoding="utf-8") as f:
            f.write((REPLICATION % provider if provider else "") + "multiprovider on\n")
    pair.one.start()
    pair.two.start()
    probe = pair.probe(return_interval=1, timeout=3)
    probe.wait_refresh()
    probe.wait_phase("synchronised")
    describe(pair.one, ou("unit1"), "first-at-one")
    probe.wait_line("^entry .*description=first-at-one")
    pair.in_step()
    pair.one.stop()
    probe.wait_said(pair.two.uri, "synchronised")
    describe(pair.two, ou("unit2"), "first-at-two")
    probe.wait_line("^entry .*description=first-at-two")
    pair.one.start()
    pair.in_step()
    probe.wait_said("the preferred server is back")
    syncscene.servers.wait_until(lambda: probe.status()["uri"] == pair.one.uri, "the preferred server")
    probe.wait_phase("synchronised")
    describe(pair.two, ou("unit3"), "second-at-two")
    probe.wait_line("^entry .*description=second-at-two")
    t.ok(True, "what is written to the server that was followed before comes over the one that is followed now")
    describe(pair.one, ou("unit4"), "second-at-one")
    probe.wait_line("^entry .*description=second-at-one")
    pair.in_step()
    pair.one.stop()
    syncscene.servers.wait_until(lambda: probe.status()["uri"] == pair.two.uri, "the second server")
    probe.wait_phase("synchronised")
    t.case("and nothing is missing after another fail-over", probe.wait_same, pair.two)
    t.ok("begin full" not in probe.lines[1:], "nor was anything read twice")
    pair.proxy.close()


def a_replica_that_lags(t, box):
    pair = Pair(box)
    probe = pair.probe(lag_timeout=60, timeout=3)
    probe.wait_refresh()
    pair.in_step()
    pair.proxy.freeze()
    describe(pair.one, ou("unit1"), "newest")
    pair.one.add(ou_entry("newest"))
    probe.wait_line("^entry .*" + ou("newest"))
    probe.wait_line("^flush$")
    pair.one.stop()
    probe.wait_said(pair.two.uri, "older than what the cache holds", "60 s to catch up")
    t.same(probe.wait_phase("lagging")["phase"], "lagging", "a replica that is behind is not followed")
    t.ok(probe.model.find(ou("newest")) is not None, "what it lacks stays in the cache")
    pair.proxy.thaw()
    pair.one.start()
    probe.wait_said(pair.one.uri, "synchronised")
    t.case("the provider comes back and all is well", probe.wait_same, pair.one)
    t.ok("begin full" not in probe.lines[1:], "without reading everything again")
    pair.proxy.close()


def a_replica_that_stays_behind(t, box):
    pair = Pair(box)
    probe = pair.probe(lag_timeout=2, return_interval=1, timeout=3)
    probe.wait_refresh()
    pair.in_step()
    pair.proxy.freeze()
    pair.one.add(ou_entry("lost"))
    describe(pair.one, ou("unit1"), "lost")
    probe.wait_line("^entry .*description=lost")
    pair.one.stop()
    probe.wait_said(pair.two.uri, "older than what the cache holds")
    began = time.monotonic()
    probe.wait_said("taken for the true state")
    t.ok(time.monotonic() - began > 1, "when nobody has newer data for lag-timeout, the old data is believed")
    t.same(probe.wait_refresh(), "sweep", "by a full refresh")
    t.case("after which the model is what the replica has", probe.wait_same, pair.two)
    pair.one.start()
    probe.wait_said("the preferred server is back")
    probe.wait_refresh()
    t.case("the provider returns with what had been lost", probe.wait_same, pair.one)
    t.same(probe.model.find(ou("unit1"))["description"], ["lost"], "its last change included")
    pair.proxy.close()


def restored_backup(t, box, hidden):
    name = "contextCSN hidden" if hidden else "contextCSN readable"
    access = ("access to attrs=contextCSN by * none\n" if hidden else "") + ACCESS + LIMITS
    scene = Scene(box, access=access)
    slapd = scene.slapd
    probe = scene.probe(lag_timeout=2)
    probe.wait_refresh()
    slapd.dump(box.path("backup.ldif"))
    slapd.add(ou_entry("late"))
    slapd.delete(ou("unit3"))
    describe(slapd, ou("unit1"), "late")
    probe.wait_line("^entry .*description=late")
    probe.wait_line("^flush$")
    slapd.stop()
    slapd.wipe()
    slapd.load(box.path("backup.ldif"))
    slapd.start()
    probe.wait_said("older than what the cache holds", "(53 " if hidden else "behind our cookie")
    t.ok(probe.model.find(ou("late")) is not None, name + ": at first the server may only be lagging")
    probe.wait_said("taken for the true state")
    t.same(probe.wait_refresh(), "sweep", name + ": then everything is read anew")
    t.case(name + ": and the model is the backup", probe.wait_same, slapd)
    describe(slapd, ou("unit2"), "on")
    probe.wait_line("^entry .*description=on")
    t.ok(True, name + ": changes go on")


def restored_backup_seen_by_context_csn(t, box):
    restored_backup(t, box, False)


def restored_backup_seen_by_error_53(t, box):
    restored_backup(t, box, True)


def a_foreign_database(t, box):
    scene = Scene(box)
    other = Scene(box, name="other")
    probe = scene.probe(uri=[scene.slapd.uri, other.slapd.uri], lag_timeout=60)
    probe.wait_refresh()
    model = dict(probe.model.dns())
    scene.slapd.stop()
    probe.wait_said(other.slapd.uri, "another database")
    t.same(probe.wait_phase("lagging")["phase"], "lagging", "a server of another database is not followed at once")
    t.same(probe.model.dns(), model, "nothing changed")
    scene.slapd.start()
    probe.wait_said(scene.slapd.uri, "synchronised")
    t.ok("begin full" not in probe.lines[1:], "its cookie is good for the right server again")


def the_base_goes_and_comes(t, box):
    scene = Scene(box)
    probe = scene.probe(base=ou("unit0"))
    probe.wait_refresh()
    rename(scene.slapd, ou("unit0"), "ou=elsewhere")
    probe.wait_said("was removed or renamed")
    probe.wait_said("there is no \"%s\"" % ou("unit0"))
    t.same(len(probe.model.dns()), 3, "a base that is gone empties nothing")
    rename(scene.slapd, ou("elsewhere"), "ou=unit0")
    probe.wait_refresh()
    describe(scene.slapd, ou("unit0"), "back")
    probe.wait_line("^entry .*description=back")
    t.ok(True, "when it is back, it is followed")


def a_half_open_connection(t, box):
    scene = Scene(box)
    with tcpproxy.Proxy(scene.slapd.port) as proxy:
        probe = scene.probe(uri=proxy.uri, probe_interval=1, timeout=2)
        probe.wait_refresh()
        contact = int(probe.status()["contact"])
        syncscene.servers.wait_until(lambda: int(probe.status()["contact"]) > contact + 1, "probes")
        t.ok(not [l for l in probe.lines if "not answered" in l], "a quiet connection lives by its probes")
        proxy.freeze()
        began = time.monotonic()
        probe.wait_said("has not answered for 2 s")
        took = time.monotonic() - began
        t.ok(took < 4.5, "a connection that died silently is noticed (%.1f s)" % took)
        describe(scene.slapd, ou("unit1"), "meanwhile")
        proxy.thaw()
        probe.wait_line("^entry .*description=meanwhile")
        t.case("and replaced", probe.wait_same, scene.slapd)


def a_message_that_never_ends(t, box):
    scene = Scene(box)
    with tcpproxy.Proxy(scene.slapd.port) as proxy:
        probe = scene.probe(uri=proxy.uri, probe_interval=1, timeout=2)
        probe.wait_refresh()
        proxy.freeze(after=60)
        describe(scene.slapd, ou("unit1"), "x" * 1000)
        began = time.monotonic()
        probe.wait_said("has not answered for 2 s")
        t.ok(time.monotonic() - began < 5, "half a message does not hold it up")
        proxy.thaw()
        probe.wait_line("^entry .*description=xxx")
        t.ok(True, "the whole one comes with the next connection")
        proxy.freeze(after=60)
        describe(scene.slapd, ou("unit1"), "y" * 1000)
        took = probe.stop()
        t.ok(took < 1, "nor does it when it is to stop (%.2f s)" % took)


def a_refresh_that_breaks(t, box):
    scene = Scene(box)
    with tcpproxy.Proxy(scene.slapd.port) as proxy:
        probe = scene.probe(uri=proxy.uri, probe_interval=1, timeout=2)
        probe.wait_refresh()
        proxy.freeze(after=4000)
        scene.slapd.add("".join(ou_entry("fill%d" % i) for i in range(60)))
        probe.wait_said("has not answered")
        proxy.thaw()
        proxy.freeze(after=2000)
        probe.wait_line("^begin cookie")
        probe.wait_line("^abort")
        t.ok(len(probe.model.entries) >= 16, "a refresh that breaks removes nothing")
        proxy.thaw()
        t.same(probe.wait_refresh(), "sweep", "the next one is complete")
        t.case("and right", probe.wait_same, scene.slapd)


def a_server_that_says_nothing(t, box):
    scene = Scene(box)
    with tcpproxy.Proxy(scene.slapd.port) as proxy:
        proxy.freeze()
        probe = scene.probe(uri=proxy.uri, timeout=2)
        probe.wait_said("no answer to the bind in time")
        t.ok(True, "a server that accepts and says nothing is told in words")
        probe.wait_attempts(1)
        took = probe.stop()
        t.ok(took < 1, "it stops at once in the middle of a bind (%.2f s)" % took)
        probe = scene.probe(uri=[proxy.uri, scene.slapd.uri], timeout=1)
        t.same(probe.wait_refresh(), "sweep", "the second server is used then")


def addresses(t, box):
    scene = Scene(box)
    probe = scene.probe(uri=["ldap://nowhere.invalid", "ldap:/nonsense", "http://x",
                             scene.slapd.uri.replace("127.0.0.1", "localhost")])
    probe.wait_said("ldap://nowhere.invalid", "cannot be resolved")
    probe.wait_said("not a URI of the form ldap://host:port")
    t.same(probe.wait_refresh(), "sweep", "names are resolved, and bad URIs passed over")


class Churn:
    """Random changes to a tree that it keeps a list of."""

    def __init__(self, slapd, seed):
        self.slapd, self.random, self.number = slapd, random.Random(seed), 0
        self.tree = {(name,): None for name in ("a", "b", "c")}     # path, own name first
        self.slapd.add("".join(ou_entry(*path) for path in self.tree))

    def step(self):
        paths = sorted(self.tree)
        path = self.random.choice(paths)
        self.number += 1
        name = "n%d" % self.number
        what = self.random.random()
        if what < 0.35 and len(path) < 5:
            self.slapd.add(ou_entry(name, *path))
            self.tree[(name,) + path] = None
        elif what < 0.6:
            describe(self.slapd, ou(*path), name)
        elif what < 0.8 and len(paths) > 3 + sum(p[-len(path):] == path for p in paths):
            gone = [p for p in paths if p[-len(path):] == path]
            self.slapd.delete(*[ou(*p) for p in sorted(gone, key=len, reverse=True)])
            for p in gone:
                del self.tree[p]
        else:
            rename(self.slapd, ou(*path), "ou=" + name)
            for p in paths:
                if p[-len(path):] == path:
                    del self.tree[p]
                    self.tree[p[:-len(path)] + (name,) + path[1:]] = None


def churn_over_a_bad_line(t, box, sessionlog):
    name = "with a session log" if sessionlog else "without a session log"
    scene = Scene(box, sessionlog=sessionlog)
    seed = int(os.environ.get("ISPMAN_SEED", "0")) or random.randrange(1 << 30)
    churn = Churn(scene.slapd, seed)
    with tcpproxy.Proxy(scene.slapd.port) as proxy:
        probe = scene.probe(uri=[proxy.uri], probe_interval=1, timeout=1, state=box.path("state"))
        probe.wait_refresh()
        for _ in range(8):
            before = proxy.accepted
            for _ in range(churn.random.randrange(4)):
                churn.step()
            proxy.limit_cut(churn.random.randrange(1, 4000))
            for _ in range(churn.random.randrange(1, 12)):
                churn.step()
            if churn.random.random() < 0.3:
                probe.stop()
                probe.start()
            if proxy.limit is None:
                syncscene.servers.wait_until(lambda: proxy.accepted > before, "another connection")
        proxy.limit_cut(None)
        t.case("%s: after random changes and broken connections both sides agree (ISPMAN_SEED=%d)" % (name, seed),
               probe.wait_same, scene.slapd)
        t.ok(proxy.accepted > 2, "%s: %d connections" % (name, proxy.accepted))
        t.case(name + ": in content as well", probe.wait_values, scene.slapd, "description")


def churn_with_session_log(t, box):
    churn_over_a_bad_line(t, box, 1000)


def churn_without_session_log(t, box):
    churn_over_a_bad_line(t, box, 0)


syncscene.main((churn_with_session_log, churn_without_session_log, fail_over_and_return,
                servers_that_are_both_written_to,
                a_replica_that_lags, a_replica_that_stays_behind,
                restored_backup_seen_by_context_csn, restored_backup_seen_by_error_53,
                a_foreign_database, the_base_goes_and_comes, a_half_open_connection,
                a_message_that_never_ends, a_refresh_that_breaks, a_server_that_says_nothing,
                addresses))
