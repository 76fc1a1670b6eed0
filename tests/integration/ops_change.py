#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""How soon a change is answered, and that `ispmanctl wait` waits for all that the directory has.

Only that an answer comes is judged; how long it took is told.
"""

import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import dnsclient  # noqa: E402
import servers    # noqa: E402
import stage      # noqa: E402
import tap        # noqa: E402

ZONE = "tern.example"
CHANGES = 100


def wait_answer(address, name, want, deadline=10):
    """Asks until the only address of NAME is WANT; when that was, or None."""
    wire = dnsclient.build_query(name, "A")
    until = time.monotonic() + deadline
    while time.monotonic() < until:
        message = dnsclient.Message(dnsclient.ask_udp(address, wire))
        if message.answers() == ["A " + want]:
            return time.monotonic()
    return None


def changes_are_answered(t, box):
    tree = stage.tree_of(ZONE)
    record = tree.record(ZONE, "now", "A", "192.0.2.200", layout="flat")
    scene = stage.Stage(box, tree)
    took, missing = [], 0
    for i in range(CHANGES):
        value = "192.0.2.%d" % (i + 1)
        scene.ldap.modify(record, replace={"aRecord": [value]})
        acknowledged = time.monotonic()
        seen = wait_answer(scene.named.address, "now." + ZONE, value)
        if seen is None:
            missing += 1
        else:
            took.append(1000 * (seen - acknowledged))
    t.same(missing, 0, "%d changes are answered, each by itself" % CHANGES)
    took.sort()
    if took:
        tap.say("from slapd's word to named's answer: p50 %.1f ms, p99 %.1f ms, at most %.1f ms" % (
            took[len(took) // 2], took[len(took) * 99 // 100], took[-1]))


def wait_is_exact(t, box):
    """Whoever has changed something and waited sees it: each time, at once."""
    tree = stage.tree_of(ZONE)
    record = tree.record(ZONE, "now", "A", "192.0.2.200", layout="flat")
    scene = stage.Stage(box, tree)
    stale = []
    for i in range(CHANGES):
        value = "192.0.2.%d" % (i + 1)
        # Many at once: what is waited for stands at the end of a queue.
        for burst in range(10):
            scene.ldap.modify(record, replace={"aRecord": ["192.0.2.%d" % (101 + burst)]})
        scene.ldap.modify(record, replace={"aRecord": [value]})
        done = scene.cached.ctl("wait", "--timeout", "20")
        got = scene.answers("now." + ZONE, "A")
        if done.returncode != 0 or got != ("NOERROR", ["A " + value]):
            stale.append((i, done.returncode, got))
    t.same(stale, [], "%d times: change, wait, and the answer is there" % CHANGES)
    began = time.monotonic()
    t.same(scene.cached.ctl("wait", "--timeout", "20").returncode, 0, "with nothing to wait for")
    t.ok(time.monotonic() - began < 5, "it returns at once")
    scene.disconnect()
    scene.slapd.send(servers.signal.SIGSTOP)
    try:
        done = scene.cached.ctl("wait", "--timeout", "1")
        t.same(done.returncode, 1, "a directory that does not answer cannot be waited for")
    finally:
        scene.slapd.send(servers.signal.SIGCONT)
    t.same(scene.cached.ctl("wait", "--timeout", "20").returncode, 0, "when it goes on, it can")


def wait_is_not_held_up(t, box):
    """By changes of entries that our bind DN may not see."""
    tree = stage.tree_of(ZONE)
    hidden = tree.branch("ou", "hidden", tree.base)
    reader = stage.Reader(tree)
    scene = stage.Stage(box, tree, settings=reader.settings(box),
                        extra_database='access to dn.subtree="ou=hidden,o=ispman" by * none\n' + reader.access)
    codes = []
    for i in range(5):
        scene.ldap.modify(hidden, replace={"ou": ["hidden", "other%d" % i]})
        codes.append(scene.cached.ctl("wait", "--timeout", "20").returncode)
    t.same(codes, [0] * 5, "changes that the bind DN may not see are waited for, too")


def wait_follows_a_file(t, box):
    tree = stage.tree_of(ZONE)
    path = box.path("tree.ldif")
    record = tree.record(ZONE, "now", "A", "192.0.2.200", layout="flat")
    tree.write(path)
    cached = box.cached("ldif:" + path, settings=stage.SETTINGS)
    named = box.named(dlz=cached, options=stage.NAMED_OPTIONS)
    stale = []
    for i in range(10):
        value = "192.0.2.%d" % (i + 1)
        tree.remove(record)
        tree.record(ZONE, "now", "A", value, layout="flat")
        tree.write(path)
        done = cached.ctl("wait", "--timeout", "20")
        got = named.query("now." + ZONE, "A").answers()
        if done.returncode != 0 or got != ["A " + value]:
            stale.append((i, done.returncode, got))
    t.same(stale, [], "a file: change, wait, and the answer is there")


stage.main("ops-change", (changes_are_answered, wait_is_exact, wait_is_not_held_up,
                          wait_follows_a_file))
