# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Power loss, which kill -9 cannot show: the disk holds only what was synced, and any part of the rest.

A preloaded library writes down what ispman-cached does to its files, in several lives: first loads cut short, a first
load, changes, subtree renames, rebuilds, refreshes. replay_writes makes of it what the disk may hold at each sync and
between: every image must open and be a committed state. Some are given to ispman-cached itself, which must come to
equal the directory. Then the disk is full, or refuses to sync, or to write what says where everything is, or files reach
their limit: what was there goes on being served, the log says what is wrong, and all is well once there is room again.

POWERLOSS_VARIANTS says how many images a point (6), POWERLOSS_STARTS how many are started (30).
"""

import glob
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import churn
import servers
import tap

VARIANTS = int(os.environ.get("POWERLOSS_VARIANTS", "6"))
STARTS = int(os.environ.get("POWERLOSS_STARTS", "30"))
SEED = int(os.environ.get("POWERLOSS_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
RECORDER = "tests/powerloss/.libs/record_writes.so"
REPLAYER = "tests/powerloss/replay_writes"
WATCHER = "tests/integration/cache_watch"
# What was lost may be more than the brake would let go.
SETTINGS = {"dns": {"reverse-prefixes": "192.0.2.0/24"}, "cached": {"brake-percent": "100"}}

rng = random.Random(SEED)


def verify(cached):
    servers.wait_until(lambda: json.loads(cached.ctl("status", "--json").stdout)["job"] is None, "no other job", 30)
    got = cached.ctl("verify")
    if got.returncode != 0:
        raise RuntimeError("verify: %s%s" % (got.stdout, got.stderr))


def record(box, directory, slapd):
    """Several lives of one cache; the log of all that it did to its files."""
    cached = box.cached(slapd=slapd, name="recorded", start=False, settings=SETTINGS)
    log = box.path("writes.log")

    def live(die_at=None):
        cached.env = servers.preloaded(RECORDER, RECORD_ROOT=cached.cache_dir, RECORD_LOG=log)
        if die_at is None:
            cached.start()
        else:
            cached.env["RECORD_DIE_AT"] = str(die_at)
            cached.spawn()
            cached.process.wait(servers.DEADLINE)

    # First loads that do not get far: within the making of directory/, the load, the making of dns/.
    for die_at in (2, 4, 7, 12, 20, 28):
        live(die_at)
    live()
    for _ in range(12):
        slapd.modify(directory.burst(6))
    cached.wait()
    for _ in range(2):
        slapd.modify(directory.move_subtree())
        cached.wait()
    cached.ctl("rebuild")
    cached.kill()
    for die_at in (3, 8, 14, 25):
        slapd.modify(directory.burst(30))
        live(die_at)
    live()
    slapd.modify(directory.burst(30))
    cached.wait()
    verify(cached)
    status = cached.stop()
    if status != 0:
        raise RuntimeError("ispman-cached ended with %s: %s" % (status, cached.log()))
    return log


def replay(box, t, log):
    def run(command, variants):
        return subprocess.run([servers.built(REPLAYER), command, log, box.path("scratch"), str(SEED), str(variants)],
                              capture_output=True, text=True)

    done = run("check", VARIANTS)
    tap.say(done.stdout + done.stderr)
    figures = dict((name, int(n)) for name, n in re.findall(r"([a-z][a-z ]*?) (\d+)", done.stdout.splitlines()[-1]))
    t.ok(done.returncode == 0, "every image of a disk without power opens and is a committed state")
    t.ok(figures.get("bad") == 0 and all(figures.get(name, 0) > 20 for name in ("points", "commits", "the last commit", "marked")),
         "there was something to lose", figures)
    # With a disk that takes syncs for nothing the same images are damaged: so missing syncs would be seen.
    lying = run("distrust", 3)
    t.ok(lying.returncode == 1, "a missing sync would be seen", lying.stdout[-300:] + lying.stderr)


def start_images(box, t, slapd, log):
    points = int(subprocess.run([servers.built(REPLAYER), "points", log], capture_output=True, text=True).stdout)
    wrong = []
    for i in range(STARTS):
        # Evenly over the log, so that first loads have their share.
        point = min(points - 1, int((i + rng.random()) * points / STARTS))
        cached = box.cached(slapd=slapd, name="image%d" % i, start=False, settings=SETTINGS)
        made = subprocess.run([servers.built(REPLAYER), "image", log, cached.cache_dir, str(SEED + i), str(point)],
                              capture_output=True, text=True)
        try:
            if made.returncode:
                raise RuntimeError(made.stderr)
            cached.start()
            verify(cached)
            got = cached.ctl("rebuild")
            if "; 0 fragments differed" not in got.stdout:
                raise RuntimeError("rebuild: " + got.stdout + got.stderr)
        except Exception as error:
            wrong.append("image of point %d (seed %d): %s\n%s" % (point, SEED + i, error, cached.log()))
        box.release(cached)
        shutil.rmtree(cached.cache_dir)
    t.ok(not wrong, "ispman-cached started on %d such images comes to equal the directory" % STARTS, "\n".join(wrong))


class Watch:
    """cache_watch, to say that nothing was lost in the meantime."""

    def __init__(self, box, cached, lines):
        names = box.write(cached.name + ".names", "".join(line + "\n" for line in lines))
        with open(names) as f:
            self.process = subprocess.Popen([servers.built(WATCHER), "watch", cached.cache_dir], stdin=f,
                                            stdout=subprocess.PIPE, text=True, preexec_fn=servers._die_with_parent)
        if self.process.stdout.readline().strip() != "loaded":
            raise RuntimeError("cache_watch reads nothing")

    def end(self):
        self.process.terminate()
        said, _ = self.process.communicate(timeout=30)
        return said if self.process.returncode or "BAD" in said or "END" not in said else None


def run_trouble(box, t, directory, slapd):
    """A disk that is full, or fails to sync, for one environment and then the other."""
    trouble = box.path("trouble")
    cached = box.cached(slapd=slapd, name="troubled", start=False, settings=SETTINGS)
    cached.env = servers.preloaded(RECORDER, RECORD_ROOT=cached.cache_dir, RECORD_TROUBLE=trouble)
    cached.start()
    watch = Watch(box, cached, directory.watched)
    for kind, words in (("full", "no space left on the disk"), ("sync", "Input/output error"),
                        ("meta", "Input/output error")):
        for part in ("directory/1/data.mdb", "dns/2/data.mdb"):
            name = "%s: %s" % (kind, part)
            told = len(cached.log())
            box.write("trouble.new", "%s %s\n" % (kind, part))
            os.rename(box.path("trouble.new"), trouble)

            def has_told():
                slapd.modify(directory.burst(60) + "".join(directory.add_record() for _ in range(40)))
                return words in cached.log()[told:]

            servers.wait_until(has_told, name, process=cached.process)
            line = [line for line in cached.log()[told:].splitlines() if words in line][0]
            t.ok(part.partition("/data")[0] in line and "cannot be written" in line,
                 name + ": the log names the environment and what is wrong", line)
            t.ok(cached.ctl("lookup", "dns", "mail.z1.example", "A").returncode == 0, name + ": what was there is served")
            os.unlink(trouble)
            # Nobody restarts it.
            t.case(name + ": it goes on when there is room again", cached.wait)
            t.case(name + ": nothing was lost", verify, cached)
            t.same("everything is opened anew" in cached.log()[told:], kind == "meta",
                   name + ": what LMDB gives up is opened anew, and nothing else")
    said = watch.end()
    t.ok(said is None, "no reader saw anything of it", said)
    box.release(cached)


def run_file_limit(box, t, directory, slapd):
    """The kernel's own way to say that there is no room, in the middle of a write."""
    cached = box.cached(slapd=slapd, name="limited", settings=SETTINGS)
    watch = Watch(box, cached, directory.watched)
    size = max(os.path.getsize(path) for path in glob.glob(os.path.join(cached.cache_dir, "*/*/data.mdb")))
    before = resource.prlimit(cached.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(cached.process.pid, resource.RLIMIT_FSIZE, (size + 2000, before[1]))

    def has_told():
        slapd.modify(directory.burst(60) + "".join(directory.add_record() for _ in range(40)))
        return "limit of file sizes" in cached.log() or "File too large" in cached.log()

    servers.wait_until(has_told, "the limit", process=cached.process)
    line = [line for line in cached.log().splitlines() if "cannot be written" in line][0]
    t.ok("/1: commit: " in line, "limit: the log names the environment and what is wrong", line)
    t.ok(cached.ctl("lookup", "dns", "mail.z1.example", "A").returncode == 0, "limit: what was there is served")
    resource.prlimit(cached.process.pid, resource.RLIMIT_FSIZE, before)
    t.case("limit: it goes on when there is room again", cached.wait)
    t.case("limit: nothing was lost", verify, cached)
    said = watch.end()
    t.ok(said is None, "limit: no reader saw anything of it", said)
    box.release(cached)


def run_small_map(box, t):
    """A map that is too small for the data."""
    text = "x" * 250
    tree = churn.ispman_ldif.Tree(churn.BASE)
    for i in range(4):
        zone = "big%d.example" % i
        tree.domain(zone, "primary")
        tree.record(zone, "@", "SOA", churn.soa(1), layout="type")
        for n in range(1000):
            tree.record(zone, "t%d" % n, "TXT", " ".join('"%s%d"' % (text, j) for j in range(20)), layout="type")
    path = box.path("big.ldif")
    tree.write(path)
    cached = box.cached(source="ldif:" + path, name="small", wait=False, settings={"cached": {"map-size": "16M"}})
    cached.wait_log("map-size")
    line = [line for line in cached.log().splitlines() if "map-size" in line][0]
    t.ok("directory/1" in line and "larger [cached] map-size" in line, "a full map: the log says what to do", line)
    cached.stop()
    cached.settings["cached"]["map-size"] = "256M"
    cached.write_conf()
    t.case("a larger map is enough to go on", cached.start)
    t.case("then everything is there", verify, cached)
    box.release(cached)


def main():
    why = servers.missing("slapd", "cached", "ispmanctl")
    if why:
        tap.skip_all(why)
    for tool in (RECORDER, REPLAYER, WATCHER):
        if not servers.built(tool):
            tap.skip_all(tool + " is not built")
    t = tap.Tap()
    tap.say("POWERLOSS_SEED=%d" % SEED)
    with servers.Sandbox("powerloss") as box:
        directory = churn.Churn(rng, zones=15, watched=2, moved=5)
        slapd = box.slapd(ldif=box.write("tree.ldif", directory.octets()), sessionlog=200)
        log = record(box, directory, slapd)
        replay(box, t, log)
        start_images(box, t, slapd, log)
        run_trouble(box, t, directory, slapd)
        run_file_limit(box, t, directory, slapd)
        run_small_map(box, t)
    sys.exit(t.done())


main()
