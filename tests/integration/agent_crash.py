#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""ispman-agent is killed with SIGKILL at any moment, while it makes the directories of a few hundred accounts and while it removes a part
of them; then it runs to its end. What is there is what an undisturbed run leaves, and the book knows it.

CRASH_KILLS=2000 makes more of it, CRASH_SEED repeats the choices, though not the moments."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import agentstage  # noqa: E402
import servers     # noqa: E402
import tap         # noqa: E402

KILLS = int(os.environ.get("CRASH_KILLS", "200"))
SEED = int(os.environ.get("CRASH_SEED", "0")) or int.from_bytes(os.urandom(4), "big")
DOMAINS, USERS = 6, 40
GONE = 80


def entries(root, gone=()):
    found = agentstage.base_entries()
    for d in range(DOMAINS):
        domain = "d%d.example" % d
        found += agentstage.domain_entries(domain, root)
        found += [agentstage.user("u%d" % i, domain, root) for i in range(USERS) if (d, i) not in gone]
        found += [agentstage.vhost("www", domain, root)]
    return found


class Runs:
    """The agent over two caches: with all accounts, and with some of them gone."""

    def __init__(self, box, chooser):
        folder = box.path("skeleton")
        os.makedirs(folder + "/public_html")
        for name in ("public_html/index.html", ".profile"):
            with open(folder + "/" + name, "w") as f:
                f.write(name * 100)
        self.chooser, self.kills = chooser, 0
        self.stage = agentstage.Stage(box, cached=False, skeleton=folder, maildir="yes", brake_percent=100)
        every = [(d, i) for d in range(DOMAINS) for i in range(USERS)]
        self.caches = [box.cached(source="ldif:" + agentstage.write_ldif(box.path("%d.ldif" % i), entries(self.stage.root, gone)))
                       for i, gone in enumerate(((), set(chooser.sample(every, GONE))))]
        for cached in self.caches:
            cached.stop()
        self.seconds = [0.0, 0.0]      # that an undisturbed run takes

    def wipe(self):
        shutil.rmtree(self.stage.root)
        os.mkdir(self.stage.root, 0o755)
        shutil.rmtree(self.stage.state, ignore_errors=True)
        os.mkdir(self.stage.state, 0o700)
        with open(self.stage.state + "/adopt.request", "w"):
            pass

    def whole(self, which):
        began = time.monotonic()
        done = self.stage.once(cached=self.caches[which])
        self.seconds[which] = max(self.seconds[which], time.monotonic() - began)
        if done[0] != 0:
            raise RuntimeError("the agent ended with %d: %s" % (done[0], done[2]))

    def killed(self, which):
        """Again and again, until one run comes to its end, or enough were killed."""
        while self.kills < KILLS:
            process = subprocess.Popen(self.stage.command("--once", cached=self.caches[which]), stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, cwd=self.stage.box.folder)
            try:
                process.wait(self.chooser.uniform(0.002, self.seconds[which] * self.chooser.choice((0.1, 0.3, 0.7))))
                return
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                self.kills += 1

    def look(self):
        """What is there; the trash without the times."""
        found = agentstage.tree(self.stage.root)
        found = {path: entry for path, entry in found.items() if not path.startswith(".ispman/trash/")}
        for name in os.listdir(self.stage.root + "/.ispman/trash"):
            lies = self.stage.root + "/.ispman/trash/" + name
            # Made ready, and never used: it goes with its time.
            if not os.path.isdir(lies + "/content"):
                continue
            with open(lies + "/origin") as f:
                found["trash", name.rsplit(".", 1)[0], f.read()] = tuple(sorted(agentstage.tree(lies + "/content").items()))
        return found


def difference(got, want):
    lines = ["%s: got %r, want %r" % (path, got.get(path), want.get(path))
             for path in sorted(set(got) | set(want), key=str) if got.get(path) != want.get(path)]
    return "%d differ\n%s" % (len(lines), "\n".join(line[:200] for line in lines[:10]))


def crash(t, box):
    chooser = random.Random(SEED)
    runs = Runs(box, chooser)
    tap.say("CRASH_SEED=%d" % SEED)
    runs.wipe()
    want = []
    for which in range(2):
        runs.whole(which)
        want.append(runs.look())
    t.same([sum(isinstance(path, tuple) for path in w) for w in want], [0, GONE], "undisturbed: so many homes are made, and then removed")
    rounds, wrong, unsettled, left = 0, [], [], []
    began = time.monotonic()
    while runs.kills < KILLS and time.monotonic() - began < servers.DEADLINE * 4:
        runs.wipe()
        rounds += 1
        for which in range(2):
            runs.killed(which)
            runs.whole(which)
            got = runs.look()
            if got != want[which]:
                wrong.append("round %d, %s: %s" % (rounds, ("makes", "removes")[which], difference(got, want[which])))
            unsettled += [done for done in [runs.stage.once("--dry-run", cached=runs.caches[which])[:2]] if done != (0, "")]
            left += runs.stage.staging()
    tap.say("%d kills in %d rounds, %.1f s" % (runs.kills, rounds, time.monotonic() - began))
    t.same(runs.kills, KILLS, "killed so many times")
    t.ok(not wrong, "what is there is what an undisturbed run leaves: names, owners, modes, content, trash", "\n".join(wrong[:3]))
    t.same(unsettled[:3], [], "the book knows it: nothing is left to be done")
    t.same(left[:3], [], "nothing is left in staging")


def main():
    lacks = agentstage.missing()
    if lacks:
        tap.skip_all(lacks)
    t = tap.Tap()
    agentstage.run(t, "agent-crash", (crash,))
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
