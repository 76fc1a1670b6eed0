#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""ispman-agent: how long it takes to make, to compare and to follow, beside what makes the same without looking.

	make bench-agent
	BENCH_ACCOUNTS=10000 BENCH_PRESENT=100000 BENCH_ADDED=300 BENCH_MAILBOXES=1000 tests/bench/agent.py [--quick] [--json FILE] [PART ...]

Parts: make, compare, follow, mailboxes; all unless some are named. Root only.

make       All accounts from nothing in one pass (--once), and `tar x` of an archive of the same tree with the same owners; and tar with
           a sync behind it, since the agent's book is on the disk when it ends.
compare    A complete pass where everything is there: seconds, CPU, the largest resident memory. Wanted for 100,000: 10 s and 64 MiB.
follow     From slapd's answer to an addition to the directory (seen by stat every millisecond), one by one.
mailboxes  A real Cyrus: a pass that makes all mailboxes, and one that compares them all, by one LIST. Making them takes some 80 ms each.
           BENCH_MAILBOXES=0: not.

The tree is made by an LDIF file that ispman-cached has read before: only the agent is measured."""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
for folder in ("../lib", "../integration"):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), folder))
import agentstage  # noqa: E402
import cyrus       # noqa: E402
import servers     # noqa: E402
from agent_mailbox import Yes  # noqa: E402

EACH = 100      # users of a domain
PARTS = ("make", "compare", "follow", "mailboxes")


def amount(name, quick):
    whole = {"BENCH_ACCOUNTS": 10000, "BENCH_PRESENT": 100000, "BENCH_ADDED": 300, "BENCH_MAILBOXES": 1000}[name]
    return int(os.environ.get(name) or (whole // 20 if quick else whole))


def peak(pid):
    """The most memory that a process has had, and what of it is its own now and no page of a file, in MiB."""
    try:
        with open("/proc/%d/status" % pid) as f:
            found = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in f if line.startswith(("VmHWM", "RssAnon"))}
    except OSError:
        found = {}
    return found.get("VmHWM", 0), found.get("RssAnon", 0)


def whole(stage, count):
    """A pass that must know COUNT accounts when it ends."""
    figures = timed(stage.command("--once"))
    known = re.search(r"complete pass: (\d+) directories, (\d+) mailboxes, 0 failures", figures[3])
    if known is None or max(map(int, known.groups())) != count:
        raise RuntimeError("the pass says: " + figures[3][-1000:])
    return figures[:3]


def timed(command):
    """(seconds, seconds of CPU, MiB of memory as peak() tells, standard error) of a program that must succeed."""
    began, memory, ended = time.monotonic(), (0, 0), 0
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
        # Its own memory: that of wait4 has what this program had when it forked.
        while not ended:
            memory = tuple(map(max, memory, peak(process.pid)))
            time.sleep(0.002)
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        took = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        said = log.read()
    if process.returncode != 0:
        raise RuntimeError("%s: %d: %s" % (command[0], process.returncode, said[-1000:]))
    return took, usage.ru_utime + usage.ru_stime, memory, said


def settle():
    subprocess.run(["sync"], check=True)


def stage_with(box, count, **options):
    """A stage whose cache has COUNT users, a hundred a domain, and is still."""
    stage = agentstage.Stage(box, cached=False, **options)
    entries = agentstage.base_entries()
    for n in range(count):
        domain = "d%d.example" % (n // EACH)
        if n % EACH == 0:
            entries += agentstage.domain_entries(domain, stage.root)
        mail = {"mailHost": agentstage.HOST, "mailQuota": "102400"} if options.get("mailboxes") else {}
        entries.append(agentstage.user("u%d" % (n % EACH), domain, stage.root, **mail))
    path = agentstage.write_ldif(box.path("%s.ldif" % stage.name), entries)
    stage.cached = box.cached(source="ldif:" + path, wait=False)
    stage.cached.wait(600)
    stage.cached.stop()
    return stage


def everybody(users):
    """With the domains."""
    return users + (users + EACH - 1) // EACH


def wipe(stage):
    shutil.rmtree(stage.root)
    os.mkdir(stage.root, 0o755)
    shutil.rmtree(stage.state, ignore_errors=True)
    settle()


def made(box, count, rounds):
    stage = stage_with(box, count)
    archive = box.path("tree.tar")
    figures = {"agent": [], "tar x": [], "tar x; sync": []}
    for i in range(rounds):
        wipe(stage)
        figures["agent"].append(whole(stage, everybody(count))[:2])
        settle()
        if i == 0:
            subprocess.run(["tar", "-C", stage.root, "--exclude=./.ispman", "--numeric-owner", "-cf", archive, "."], check=True)
            files = len(agentstage.tree(stage.root, (".ispman",)))
        extract = "tar -C %s --numeric-owner -pxf %s" % (stage.root, archive)
        for name, command in (("tar x", extract), ("tar x; sync", extract + " && sync -f " + stage.root)):
            wipe(stage)
            figures[name].append(timed(["sh", "-c", command])[:2])
    found = {name: [sorted(column)[rounds // 2] for column in zip(*values)] for name, values in figures.items()}
    print("make: %d accounts, %d directories" % (count, files))
    for name, (seconds, cpu) in found.items():
        print("  %-12s %7.2f s  %7.2f s CPU  %6.1f µs CPU a directory" % (name, seconds, cpu, cpu / files * 1e6))
    ratios = sorted(a[0] / b[0] for a, b in zip(figures["agent"], figures["tar x; sync"]))
    print("  the agent takes %.1f times what tar and sync take (CPU: %.1f times)" % (
        ratios[rounds // 2], found["agent"][1] / found["tar x; sync"][1]))
    box.release(stage.cached)
    return {"accounts": count, "directories": files, "seconds": found, "ratio": ratios[rounds // 2]}


def compared(box, count, rounds):
    stage = stage_with(box, count)
    first = whole(stage, everybody(count))
    figures = sorted(whole(stage, everybody(count)) for _ in range(rounds))
    seconds, cpu, memory = figures[rounds // 2]
    print("compare: %d accounts are there: %.2f s, %.2f s CPU, %.1f MiB, %.1f without pages of files (made before in %.1f s, %.1f MiB)" % (
        count, seconds, cpu, *memory, first[0], first[2][0]))
    box.release(stage.cached)
    return {"accounts": count, "seconds": seconds, "cpu": cpu, "memory": memory, "first": first}


def followed(box, count):
    stage = agentstage.Stage(box)
    stage.add_domain("tern.example")
    stage.start()
    stage.wait(lambda: os.path.isdir(stage.root + "/tern.example/users"), "the domain's directory")
    soon = []
    for i in range(count):
        home = stage.add_user("u%d" % i, "tern.example")
        began = time.monotonic()
        while not os.path.isdir(home):
            if time.monotonic() - began > servers.DEADLINE:
                raise TimeoutError(home)
            time.sleep(0.001)
        soon.append(time.monotonic() - began)
    p50, p99 = (agentstage.percentile(soon, p) * 1000 for p in (50, 99))
    print("follow: %d additions, from slapd's answer to the directory: p50 %.0f ms, p99 %.0f ms, most %.0f ms" % (
        count, p50, p99, max(soon) * 1000))
    stage.stop()
    return {"additions": count, "p50": p50, "p99": p99, "most": max(soon) * 1000}


def mailboxes(box, count, rounds):
    yes = Yes(box.path("mux"))
    store = cyrus.Cyrus(box, yes.path).start()
    password = box.write("imap-password", "cyruspw\n")
    os.chmod(password, 0o600)
    stage = stage_with(box, count, directories="no", mailboxes="yes", imap_server="127.0.0.1:%d" % store.imap_port,
                       imap_password_file=password)
    first = whole(stage, count)
    figures = sorted(whole(stage, count) for _ in range(rounds))
    print("mailboxes: %d made in %.1f s (%.1f ms each, %.2f s CPU of ours); compared by one LIST in %.2f s, %.2f s CPU, %.1f MiB" % (
        count, first[0], first[0] / count * 1000, first[1], *figures[rounds // 2][:2], figures[rounds // 2][2][0]))
    return {"mailboxes": count, "first": first, "compared": figures[rounds // 2]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a twentieth of everything")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("parts", nargs="*", metavar="PART")
    arguments = parser.parse_args()
    lacks = agentstage.missing()
    if lacks:
        sys.exit(lacks)
    if set(arguments.parts) - set(PARTS):
        sys.exit("parts are " + ", ".join(PARTS))
    parts = arguments.parts or PARTS
    rounds = int(os.environ.get("BENCH_ROUNDS", "3"))
    found = {}
    with servers.Sandbox("bench-agent") as box:
        if "make" in parts:
            found["make"] = made(box, amount("BENCH_ACCOUNTS", arguments.quick), rounds)
        if "compare" in parts:
            found["compare"] = compared(box, amount("BENCH_PRESENT", arguments.quick), rounds)
        if "follow" in parts:
            found["follow"] = followed(box, amount("BENCH_ADDED", arguments.quick))
        count = amount("BENCH_MAILBOXES", arguments.quick)
        if "mailboxes" in parts and count > 0:
            if cyrus.missing():
                print("mailboxes: " + cyrus.missing())
            else:
                found["mailboxes"] = mailboxes(box, count, rounds)
    if arguments.json:
        with open(arguments.json, "w") as f:
            json.dump(found, f, indent=1)


if __name__ == "__main__":
    main()
