#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""RFC 4533 against OpenLDAP: every way in which a refresh can begin and end, and the changes after it."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import servers    # noqa: E402
import syncprobe  # noqa: E402
import syncscene  # noqa: E402
from syncscene import BASE, READER, Scene, describe, ou, ou_entry  # noqa: E402

def first_load_and_changes(t, box):
    scene = Scene(box)
    slapd, probe = scene.slapd, scene.probe()
    t.same(probe.wait_refresh(), "sweep", "without a cookie everything is sent and the rest is gone")
    t.case("the model equals LDAP after the first load", probe.wait_same, slapd)
    t.ok("csn=" in [l for l in probe.lines if l.startswith("sweep")][0], "the refresh ends with a cookie")
    t.ok(int([l for l in probe.lines if l.startswith("sweep")][0].split()[1]) > 1700000000,
         "and with the time of its newest CSN")
    t.ok(not [l for l in probe.lines if l.startswith("cookie")],
         "no cookie from the middle of a refresh is kept")
    probe.wait_said("synchronised")

    describe(slapd, ou("unit1"), "changed")
    line = probe.wait_line("^entry .*description=changed")
    t.ok(line.endswith("\tcsn"), "a change arrives with its entryCSN")
    t.ok(probe.wait_line("^cookie ").startswith("cookie rid="), "with the cookie that it earned")
    t.same(probe.wait_line("^"), "flush", "and is committed at once")
    slapd.add(ou_entry("new"))
    probe.wait_line("^entry .* " + ou("new"))
    slapd.delete(ou("unit2"))
    probe.wait_line("^gone ")
    slapd.modify("dn: %s\nchangetype: modrdn\nnewrdn: ou=unit3b\ndeleteoldrdn: 1\n" % ou("unit3"))
    probe.wait_line("^entry .* " + ou("unit3b"))
    t.case("add, delete and rename are followed", probe.wait_same, slapd)
    before = len(probe.lines)
    slapd.modify("dn: %s\nchangetype: modrdn\nnewrdn: ou=moved\ndeleteoldrdn: 1\n" % ou("unit0"))
    probe.wait_line("^entry .* " + ou("moved"))
    probe.wait_line("^flush$")
    t.case("a renamed subtree moves", probe.wait_same, slapd)
    t.same(len([l for l in probe.lines[before:] if l.startswith("entry")]), 1,
           "by one event for the renamed entry only")
    slapd.modify("dn: %s\nchangetype: modrdn\nnewrdn: ou=leaf2\ndeleteoldrdn: 1\nnewsuperior: %s\n"
                 % (ou("leaf", "moved"), ou("unit4")))
    t.case("a subtree gets another superior", probe.wait_same, slapd)
    t.ok(probe.stop() < 1, "it stops at once when it is told to")
    t.same(probe.lines[-1], "ended 0", "and says so")


def bursts(t, box):
    scene = Scene(box)
    probe = scene.probe()
    probe.wait_refresh()
    before = len(probe.lines)
    scene.slapd.add("".join(ou_entry("burst%d" % i) for i in range(500)))
    t.case("500 additions are followed", probe.wait_same, scene.slapd)
    probe.wait_line("^flush$")
    probe.stop()
    lines = probe.lines[before:]
    t.ok(lines.count("flush") <= 500, "%d commits for 500 changes" % lines.count("flush"))


def resumptions(t, box, sessionlog):
    name = "with a session log" if sessionlog else "without a session log"
    scene = Scene(box, sessionlog=sessionlog)
    slapd = scene.slapd
    probe = scene.probe(state=box.path("state"))
    probe.wait_refresh()
    probe.wait_same(slapd)
    model = probe.model

    def resume():
        probe.stop()
        return probe.start()

    resume()
    t.same(probe.wait_refresh(), "done", name + ": a current cookie brings nothing and sweeps nothing")
    t.ok(not [l for l in probe.lines if l.split()[0] in ("entry", "gone", "present")],
         name + ": no entry is sent for a current cookie")
    probe.stop()
    describe(slapd, ou("unit5"), "while away")
    slapd.delete(ou("unit6"), ou("unit7"))
    slapd.add(ou_entry("arrived"))
    slapd.modify("dn: %s\nchangetype: modrdn\nnewrdn: ou=unit8b\ndeleteoldrdn: 1\n" % ou("unit8"))
    slapd.modify("dn: %s\nchangetype: modrdn\nnewrdn: ou=root2\ndeleteoldrdn: 1\n" % ou("unit0"))
    probe.start()
    t.same(probe.wait_refresh(), "done" if sessionlog else "sweep",
           name + ": an old cookie ends in " + ("a delete phase" if sessionlog else "a present phase"))
    t.case(name + ": what happened meanwhile is caught up with", probe.wait_same, slapd)
    words = {l.split()[0] for l in probe.lines}
    t.ok(("gone" if sessionlog else "present") in words, name + ": by naming what is " +
         ("gone" if sessionlog else "still there"))
    t.same(len([l for l in probe.lines if l.startswith("entry")]), 4,
           name + ": and sending what changed")
    t.ok(probe.model is model, "the model was kept")

    if sessionlog:
        # Leaves the filter: an id in the delete set.
        probe.stop()
        probe.start(filter="(description=*)", state=box.path("filtered"))
        probe.model.__init__()
        probe.wait_refresh()
        describe(slapd, ou("unit9"), "in")
        probe.wait_line("^entry .*description=in")
        slapd.modify("dn: %s\nchangetype: modify\ndelete: description\n" % ou("unit9"))
        probe.wait_line("^gone ")
        t.case("an entry that leaves the filter is gone", probe.wait_same, slapd, "(description=*)")

    # Cookies that are of no use.
    probe.stop()
    probe.start(filter="(objectClass=*)", state=box.path("state"))
    probe.wait_refresh()
    probe.stop()
    probe.model.entries["00000000-0000-0000-0000-00000000dead"] = ["ou=ghost," + BASE, {}]
    with open(box.path("state"), "rb") as f:
        line, rest = f.read().split(b"\n", 1)
    with open(box.path("state"), "wb") as f:
        f.write(b"1 rid=000,csn=rubbish\n" + rest)
    probe.start()
    t.same(probe.wait_refresh(), "sweep", name + ": a garbage cookie ends in a full refresh")
    t.case(name + ": after which no ghost is left", probe.wait_same, slapd)
    t.ok("begin full" in probe.lines, name + ": which was asked for without a cookie")
    probe.stop()
    with open(box.path("state"), "wb") as f:
        f.write(b"1 nonsense\n" + rest)
    probe.model.entries["00000000-0000-0000-0000-00000000dead"] = ["ou=ghost," + BASE, {}]
    probe.start()
    t.same(probe.wait_refresh(), "sweep", name + ": so does one without any form")
    t.case(name + ": and no ghost is left either", probe.wait_same, slapd)


def a_base_below_the_suffix(t, box):
    scene = Scene(box)
    probe = scene.probe(base=ou("unit0"), probe_interval=1)
    t.same(probe.wait_refresh(), "sweep", "a base below the suffix can be followed")
    t.same(sorted(probe.model.dns().values()),
           [ou("deep", "leaf", "unit0"), ou("leaf", "unit0"), ou("unit0")], "and nothing else")
    describe(scene.slapd, ou("unit1"), "outside")
    probe.wait_line("^cookie ")
    probe.wait_line("^flush$")
    t.ok(True, "a change outside moves the cookie")
    describe(scene.slapd, ou("leaf", "unit0"), "inside")
    probe.wait_line("^entry .*description=inside")
    t.ok(True, "a change inside arrives")


def attributes(t, box):
    scene = Scene(box)
    scene.slapd.modify("dn: %s\nchangetype: modify\nadd: description\ndescription: one\ndescription: two\n-\n"
                       "add: description;lang-de\ndescription;lang-de: drei\n-\nadd: street\nstreet: hidden\n"
                       % ou("unit1"))
    probe = scene.probe(attribute=["ou", "description"])
    probe.wait_refresh()
    t.same(probe.model.find(ou("unit1")),
           {"ou": ["unit1"], "description": ["one", "two"], "csn": [""]},
           "only what was asked for arrives, without language tags")
    t.ok(all("csn" in v for _, v in probe.model.entries.values()), "entryCSN comes with every entry")


def reading_all(t, box):
    scene = Scene(box)
    done = subprocess.run([servers.built(syncprobe.PROGRAM), "all=1", "uri=" + scene.slapd.uri, "base=" + BASE,
                           "bind-dn=" + READER, "bind-password-file=" + scene.password],
                          capture_output=True, text=True)
    found = {l.split("\t")[0].split(" ", 2)[1]: syncprobe.fold(l.split("\t")[0].split(" ", 2)[2])
             for l in done.stdout.splitlines() if l.startswith("entry ")}
    t.same(found, syncprobe.contents(scene.slapd), "reading all brings every entry with its id")
    t.ok(all("\tcsn" in l for l in done.stdout.splitlines() if l.startswith("entry ")), "and its CSN")
    t.same((done.returncode, done.stdout.splitlines()[-1]), (0, "all 0 %d " % len(found)), "and says so")
    scene.slapd.stop()
    done = subprocess.run([servers.built(syncprobe.PROGRAM), "all=1", "uri=" + scene.slapd.uri, "base=" + BASE],
                          capture_output=True, text=True)
    t.ok(done.returncode == 1 and "Connection refused" in done.stdout, "or why not", done.stdout)


def the_cache_fails(t, box):
    scene = Scene(box)
    probe = scene.probe()
    probe.wait_refresh()
    probe.command("fail 28")
    describe(scene.slapd, ou("unit1"), "unwritten")
    probe.wait_said("cannot be written: No space left on device")
    t.ok(True, "a cache that cannot be written is told in words")
    probe.wait_refresh()
    t.case("and what was not written is read again", probe.wait_same, scene.slapd)
    t.same(probe.model.find(ou("unit1"))["description"], ["unwritten"], "the change is there")


def stop_and_start(t, box):
    scene = Scene(box)
    probe = scene.probe()
    probe.wait_refresh()
    scene.slapd.stop()
    probe.wait_said("closed the connection")
    probe.wait_said("Connection refused")
    t.same(probe.wait_phase("waiting")["phase"], "waiting", "while the server is away it waits")
    said = len(probe.said())
    status = probe.status()
    t.ok("Connection refused" in status["error"], "the status has the reason")
    probe.wait_attempts(2)
    t.same(len(probe.said()), said, "a failure that stays the same is told once")
    scene.slapd.start()
    t.same(probe.wait_refresh(), "done", "when it is back, it goes on from the cookie")
    t.same(probe.wait_phase("synchronised")["error"], "", "and the status is clean again")


def resumption_with_session_log(t, box):
    resumptions(t, box, 100)


def resumption_without_session_log(t, box):
    resumptions(t, box, 0)


syncscene.main((first_load_and_changes, bursts, resumption_without_session_log,
                resumption_with_session_log, a_base_below_the_suffix, attributes, reading_all,
                the_cache_fails, stop_and_start))
