# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""ispman-cached killed at any moment, some hundred times.

Killed with SIGKILL while it loads for the first time, refreshes (with and without a session log, so by
deletions and by presence), follows changes, moves subtrees, rebuilds, and reads LDIF files again; also in the middle of a
write, which leaves LMDB's writer lock held. After each round it is started again, and `ispmanctl verify` must find
the cache equal to the source; a rebuild must find every fragment as it is; in the end the zones must be those of a
cache that was loaded from nothing, and mail must go where it goes there.

Meanwhile cache_watch reads, and ispmanctl looks up addresses. It must never see a name absent, its records half old and half new, an older state, or an
unreadable cache. Readers are killed too, and must not hold pages or slots.

CRASH_KILLS says how many kills (200), CRASH_SEED which.
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import churn
import ispman_ldif
import servers
import tap

KILLS = int(os.environ.get("CRASH_KILLS", "200"))
SEED = int(os.environ.get("CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
# There are few of some kinds: what a minute of changes removes may be more than a tenth of them.
NO_BRAKE = {"brake-percent": "100"}
REVERSE = ("192.0.2.0/24", "192.0.2.0/24 10.0.0.0/8@16")
PRELOAD = "tests/powerloss/.libs/record_writes.so"

rng = random.Random(SEED)


class Watch:
    """cache_watch, and what it has to say."""

    def __init__(self, box, name, cached, lines, mode="watch"):
        self.name = name
        self.names = box.write(name + ".names", "".join(line + "\n" for line in lines))
        with open(self.names) as f:
            self.process = subprocess.Popen([servers.built("tests/integration/cache_watch"), mode, cached.cache_dir],
                                            stdin=f, stdout=subprocess.PIPE, text=True,
                                            preexec_fn=servers._die_with_parent)

    def line(self, text):
        got = self.process.stdout.readline().strip()
        if got != text:
            raise RuntimeError("%s: %r instead of %r" % (self.name, got, text))

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self, t, what):
        if self.process.poll() is None:
            self.process.terminate()
        said, _ = self.process.communicate(timeout=30)
        tap.say("%s: %s" % (self.name, said.strip().splitlines()[-1:]))
        t.ok(self.process.returncode == 0 and "BAD" not in said and "END" in said, what, said)


class NamedWatch(threading.Thread):
    """The same looks at the same names, through named."""

    def __init__(self, box, cached, lines):
        super().__init__(daemon=True)
        self.named = box.named(dlz=cached)
        self.names = [line.split()[0] for line in lines if line.endswith(" mx")]
        self.ended, self.bad, self.count, self.last = False, [], 0, {}
        self.start()

    def run(self):
        while not self.ended:
            for name in self.names:
                try:
                    self.look(name)
                except Exception as error:
                    self.bad.append("%s: %r" % (name, error))
                time.sleep(0.005)

    def look(self, name):
        answer = self.named.query(name, "A")
        addresses = sorted(text.split()[-1].split(".") for text in answer.answers())
        self.count += 1
        if answer.rcode != "NOERROR" or [a[3] for a in addresses] != ["1", "2"] or addresses[0][:3] != addresses[1][:3]:
            self.bad.append("%s: %s" % (name, answer))
            return
        number = int(addresses[0][1]) * 256 + int(addresses[0][2])
        if number < self.last.get(name, 0):
            self.bad.append("%s went back to %d" % (name, number))
        self.last[name] = number

    def end(self, t, what):
        self.ended = True
        self.join()
        t.ok(not self.bad and self.count, "%s (%d queries)" % (what, self.count), "\n".join(self.bad[:10]))


class MailWatch(threading.Thread):
    """Addresses that always lead to a pair of the same number, and to no older one."""

    def __init__(self, cached, addresses):
        super().__init__(daemon=True)
        self.cached, self.addresses = cached, addresses
        self.ended, self.may_be_away, self.bad, self.count, self.last = False, True, [], 0, {}
        self.start()

    def run(self):
        while not self.ended:
            for address in self.addresses:
                try:
                    self.look(address)
                except Exception as error:
                    self.bad.append("%s: %r" % (address, error))
                time.sleep(0.05)

    def look(self, address):
        may_be_away = self.may_be_away
        done = self.cached.ctl("lookup", "mail", "virtual", address)
        if done.returncode == 3 and (may_be_away or self.may_be_away):
            return
        numbers = re.findall(r"(left|right)(\d+)@far.example", done.stdout)
        self.count += 1
        if done.returncode != 0 or sorted(side for side, _ in numbers) != ["left", "right"] or numbers[0][1] != numbers[1][1]:
            self.bad.append("%s: %s %s%s" % (address, done.returncode, done.stdout, done.stderr))
            return
        number = int(numbers[0][1])
        if number < self.last.get(address, 0):
            self.bad.append("%s went back to %d" % (address, number))
        self.last[address] = number

    def end(self, t, what):
        self.ended = True
        self.join()
        t.ok(not self.bad and self.count, "%s (%d questions)" % (what, self.count), "\n".join(self.bad[:10]))


class Modify(threading.Thread):
    """Changes in the background."""

    def __init__(self, slapd, ldif):
        super().__init__()
        self.slapd, self.ldif, self.error = slapd, ldif, None
        self.start()

    def run(self):
        try:
            self.slapd.modify(self.ldif)
        except Exception as error:
            self.error = error

    def end(self):
        self.join()
        if self.error is not None:
            raise self.error


class Crashes:
    def __init__(self, box, t, cached):
        self.box, self.t, self.cached = box, t, cached
        self.kills = self.within = 0
        self.counts = {}
        self.span = 0.3      # of a start until it is synchronised
        self.first_span = 0.3
        self.mail_watch = None

    def note(self, kind):
        self.kills += 1
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def moment(self, span):
        """A delay within SPAN; often a very short one."""
        if rng.random() < 0.3:
            return 0.0001 * (span / 0.0001) ** rng.random()
        return rng.uniform(0, span)

    def kill_after(self, kind, span):
        if rng.random() < 0.35 and self.armed:
            # It kills itself within a write, so with the writer's lock held.
            try:
                self.cached.process.wait(span * 2)
                self.within += 1
            except subprocess.TimeoutExpired:
                self.cached.process.kill()
        else:
            time.sleep(self.moment(span))
        if self.cached.process.poll() is not None and self.cached.process.returncode != -signal.SIGKILL:
            raise RuntimeError("ispman-cached ended with %s" % self.cached.process.returncode)
        self.cached.process.kill()
        self.cached.process.wait()
        self.note(kind)

    def spawn(self, writes=0):
        """Starts it; WRITES: to die in one of its first so many storage operations."""
        self.armed = bool(writes and servers.built(PRELOAD))
        self.cached.env = {}
        if self.armed:
            self.cached.env = servers.preloaded(PRELOAD, RECORD_ROOT=self.cached.cache_dir,
                                                RECORD_DIE_AT=str(rng.randrange(1, writes)))
        self.cached.spawn()

    def settle(self):
        """Starts it for good; then it must be equal to the source."""
        began = time.monotonic()
        self.spawn()
        self.cached.wait()
        self.span = 0.8 * self.span + 0.2 * (time.monotonic() - began)
        servers.wait_until(lambda: status(self.cached)["job"] is None, "no other job", 30)
        got = self.cached.ctl("verify")
        if got.returncode != 0:
            raise RuntimeError("verify: %s%s" % (got.stdout, got.stderr))

    def check_fragments(self):
        got = self.cached.ctl("rebuild")
        if got.returncode != 0 or "; 0 fragments differed" not in got.stdout:
            raise RuntimeError("rebuild: %s%s" % (got.stdout, got.stderr))

    # --- the scenarios; each starts and ends with a synchronised daemon, or with none

    def first_load(self, directory, slapd):
        for _ in range(rng.randrange(1, 4)):
            self.spawn(writes=60)
            self.kill_after("first load", self.first_span)
            if rng.random() < 0.3:
                slapd.modify(directory.burst(10))
        self.settle()

    def lose(self, what):
        if self.mail_watch is not None:
            # ispmanctl opens the environment anew each time, and has no other to go on with.
            self.mail_watch.may_be_away = what == "mail"
        self.cached.kill()
        shutil.rmtree(os.path.join(self.cached.cache_dir, what))
        for _ in range(rng.randrange(1, 4)):
            self.spawn(writes=60)
            self.kill_after(what + " lost", self.first_span)
        self.settle()
        if self.mail_watch is not None:
            self.mail_watch.may_be_away = False

    def lose_directory(self, directory, slapd):
        """The replica is gone: readers go on with what dns/ has, and see only what really changed."""
        self.lose("directory")

    def lose_dns(self, directory, slapd):
        """Readers have files open that are no more; they change over when the new ones are complete."""
        self.lose("dns")

    def lose_mail(self, directory, slapd):
        """The same of the other environment; neither is held up by the other's first build."""
        self.lose("mail")

    def persist(self, directory, slapd):
        """Changes come all the while, over one or several lives."""
        modify = Modify(slapd, directory.burst(80))
        for i in range(rng.randrange(1, 4)):
            if i:
                self.spawn(writes=40)
            self.kill_after("changes", 0.15 if not i else self.span)
        modify.end()
        self.settle()

    def refresh(self, directory, slapd, size=60):
        self.cached.kill()
        slapd.modify(directory.burst(size))
        for _ in range(rng.randrange(1, 4)):
            self.spawn(writes=12)
            self.kill_after("refresh", self.span)
        self.settle()

    def rename(self, directory, slapd):
        moves = directory.move_subtree() + directory.swap_records()
        modify = Modify(slapd, moves)
        self.kill_after("subtree rename", 0.08)
        modify.end()
        self.settle()

    def rebuild(self, directory, slapd):
        asked = subprocess.Popen([servers.program("ispmanctl"), "-c", self.cached.conf_path, "rebuild"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if rng.random() < 0.5:
            slapd.modify(directory.burst(5))
        for i in range(rng.randrange(1, 4)):
            if i:
                self.spawn(writes=20)
            self.kill_after("rebuild", 0.06 if not i else self.span)
        asked.wait()
        self.settle()

    def reconfigure(self, directory, slapd):
        """Another setting, with which all is derived anew."""
        self.cached.kill()
        dns = self.cached.settings["dns"]
        dns["reverse-prefixes"] = REVERSE[dns["reverse-prefixes"] == REVERSE[0]]
        self.cached.write_conf()
        for _ in range(rng.randrange(1, 4)):
            self.spawn(writes=40)
            self.kill_after("remap", self.span)
        self.settle()


def delete_many(directory):
    """Deletions for a sweep."""
    out = "".join(directory.delete_record() for _ in range(min(len(directory.extra), 30)))
    return out + "".join(directory.add_record() for _ in range(40))


def run_ldap(box, t, sessionlog, kills, name):
    directory = churn.Churn(rng)
    slapd = box.slapd(ldif=box.write(name + ".ldif", directory.octets()), sessionlog=sessionlog, name="slapd-" + name)
    cached = box.cached(slapd=slapd, name=name, start=False,
                        settings={"dns": {"reverse-prefixes": REVERSE[0]}, "ldap": {"return-interval": "1s"}, "cached": NO_BRAKE})
    crashes = Crashes(box, t, cached)
    crashes.armed = False
    # Before the first complete load there is nothing to see; from then on there always is.
    watch = Watch(box, "watch-" + name, cached, directory.watched)
    crashes.first_load(directory, slapd)
    while crashes.counts.get("first load", 0) < kills // 8:
        # From nothing, in a folder of its own.
        fresh = box.cached(slapd=slapd, name=name + "-fresh", start=False,
                           settings={"dns": {"reverse-prefixes": REVERSE[0]}, "cached": NO_BRAKE})
        other, crashes.cached = crashes.cached, fresh
        crashes.first_load(directory, slapd)
        box.release(fresh)
        crashes.cached = other
    crashes.mail_watch = MailWatch(cached, directory.mail_watched)
    crashes.mail_watch.may_be_away = False
    named = None if servers.missing("named", "module") else NamedWatch(box, cached, directory.watched)
    scenarios = ([crashes.persist] * 3 + [crashes.refresh] * 3 + [crashes.rebuild] * 2 +
                 [crashes.rename, crashes.reconfigure, crashes.lose_directory, crashes.lose_dns, crashes.lose_mail])
    rounds = 0
    while crashes.kills < kills:
        rng.choice(scenarios)(directory, slapd)
        if rng.random() < 0.2:
            cached.kill()
            slapd.modify(delete_many(directory))
            crashes.spawn(writes=20)
            crashes.kill_after("sweep", crashes.span)
            crashes.settle()
        rounds += 1
        if rounds % 4 == 0:
            crashes.check_fragments()
    crashes.check_fragments()
    tap.say("%s: %d kills (%d within a write), %s" % (name, crashes.kills, crashes.within, crashes.counts))
    t.ok(True, "%s: after %d kills the cache was equal to the directory each time" % (name, crashes.kills))
    compare_with_fresh(box, t, directory, slapd, cached, name)
    crashes.mail_watch.end(t, name + ": mail goes where it should, to all old or all new")
    if named is not None:
        named.end(t, name + ": named answered every query, with all old or all new")
        box.release(named.named)
    return directory, slapd, cached, watch


def dump(box, cached, directory):
    zones = directory.zones + ["added%d.example." % i for i in range(6)] + ["2.0.192.in-addr.arpa."]
    names = box.write("zones", "".join(zone + "\n" for zone in zones))
    with open(names) as f:
        return subprocess.run([servers.built("tests/integration/cache_watch"), "dump", cached.cache_dir], stdin=f,
                              capture_output=True, text=True).stdout


def mail_answers(cached, directory):
    """What each address leads to; entries that share one may stand in any order."""
    out = []
    for address in directory.addresses():
        done = cached.ctl("lookup", "mail", "virtual", address)
        out.append("%s %d %s" % (address, done.returncode, sorted(done.stdout.strip().split(","))))
    return out


def compare_with_fresh(box, t, directory, slapd, cached, name):
    # A zone that was moved away keeps its SOA for a while, but not in a new cache.
    slapd.modify((directory.move_subtree() if directory.moved else "") +
                 (directory.move_branch() if directory.branch_moved else "") + directory.burst(0))
    cached.ctl("wait")
    fresh = box.cached(slapd=slapd, name=name + "-from-nothing", settings={"dns": cached.settings["dns"]})
    got, want = dump(box, cached, directory), dump(box, fresh, directory)
    t.ok(len(want) > 1000 and "BAD" not in want, "%s: the zones of a cache loaded from nothing can be read" % name, want[:300])
    t.ok(got == want, "%s: the zones are those of a cache loaded from nothing" % name,
         "\n".join(sorted(set(got.splitlines()) ^ set(want.splitlines()))[:20]))
    got, want = mail_answers(cached, directory), mail_answers(fresh, directory)
    t.ok(got == want and sum(" 0 " in line for line in want) > 20, "%s: and so is mail" % name,
         "\n".join(sorted(set(got) ^ set(want))[:20]))
    box.release(fresh)


def status(cached):
    return json.loads(cached.ctl("status", "--json").stdout)


def run_readers(box, t, directory, slapd, cached, between):
    """Readers that die in the middle of a snapshot."""
    before = status(cached)["stores"]["dns"]
    holders = [Watch(box, "hold%d" % i, cached, directory.watched, "hold") for i in range(4)]
    for holder in holders:
        holder.line("loaded")
        holder.line("holding")
    for _ in range(3):
        slapd.modify(directory.burst(10))
    cached.wait()
    held = status(cached)["stores"]["dns"]
    t.ok(held["readers"] >= before["readers"] + 4 and held["oldest_reader_lag"] > 0,
         "readers in the middle of a snapshot are seen", str(held))
    for holder in holders:
        holder.kill()
    between()

    def freed():
        now = status(cached)["stores"]["dns"]
        return now["readers"] <= before["readers"] and now["oldest_reader_lag"] <= 1

    servers.wait_until(freed, "the slots of dead readers to be freed", 30, pause=0.2)
    t.ok(True, "readers killed in the middle of a snapshot hold neither slots nor pages")


def run_ldif(box, t, kills):
    directory = churn.Churn(rng)
    path = box.path("tree.ldif")
    tree = directory.tree
    tree.write(path)
    cached = box.cached(source="ldif:" + path, name="ldif", start=False)
    crashes = Crashes(box, t, cached)
    crashes.armed = False
    watch = Watch(box, "watch-ldif", cached, directory.watched)

    def change_file():
        for dn in rng.sample(sorted(directory.numbers), 60):
            n = directory.next(dn)
            where, attributes = tree.entries[ispman_ldif.dn_key(dn.encode())]
            keep = [(a, v) for a, v in attributes if a not in ("sOARecord", "aRecord", "mXRecord")]
            new = [("sOARecord", churn.soa(n))] if "sOARecord" in dn else (
                [("aRecord", v) for v in churn.pair(n)] + [("mXRecord", "%d mx.g." % n)])
            tree.entries[ispman_ldif.dn_key(dn.encode())] = (where, keep + new)
        for _ in range(5):
            directory.count += 1
            zone = "z%d.example" % rng.randrange(directory.zone_count)
            directory.extra[tree.record(zone, "x%d" % directory.count, "A", "192.0.2.7", layout="type")] = zone
            if len(directory.extra) > 8:
                gone = rng.choice(sorted(directory.extra))
                del directory.extra[gone]
                tree.remove(gone)
        tree.write(path)

    for _ in range(2):
        crashes.spawn(writes=40)
        crashes.kill_after("first load", crashes.first_span)
    crashes.settle()
    while crashes.kills < kills:
        change_file()
        if rng.random() < 0.15:
            rng.choice((crashes.lose_directory, crashes.lose_dns, crashes.lose_mail))(directory, None)
            continue
        if rng.random() < 0.5:
            cached.kill()
            crashes.spawn(writes=20)
        crashes.kill_after("reload", crashes.span)
        crashes.settle()
    crashes.check_fragments()
    tap.say("ldif: %d kills (%d within a write), %s" % (crashes.kills, crashes.within, crashes.counts))
    t.ok(True, "ldif: after %d kills the cache was equal to the file each time" % crashes.kills)
    watch.end(t, "ldif: no reader saw anything half applied")


def main():
    why = servers.missing("slapd", "cached", "ispmanctl")
    if why:
        tap.skip_all(why)
    if not servers.built("tests/integration/cache_watch"):
        tap.skip_all("cache_watch is not built")
    t = tap.Tap()
    tap.say("CRASH_SEED=%d" % SEED)
    with servers.Sandbox("crash") as box:
        run = run_ldap(box, t, 500, KILLS * 4 // 10, "sessionlog")
        directory, slapd, cached, watch = run
        run_readers(box, t, directory, slapd, cached, lambda: run_ldif(box, t, KILLS * 2 // 10))
        watch.end(t, "sessionlog: no reader saw anything half applied")
        box.release(cached, slapd)
        run = run_ldap(box, t, 0, KILLS * 4 // 10, "present")
        run[3].end(t, "present: no reader saw anything half applied")
    sys.exit(t.done())


main()
