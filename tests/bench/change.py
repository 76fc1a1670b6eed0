#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""From slapd's "done" to named's answer, and whether the cache keeps pace with what slapd accepts.

	make bench-change
	BENCH_CHANGES=1000 BENCH_PACE_SECONDS=300 tests/bench/change.py

Default durability everywhere: slapd, directory/ and dns/ sync each commit.
"""
import json
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import servers  # noqa: E402

CHANGES = int(os.environ.get("BENCH_CHANGES", "1000"))
PACE_SECONDS = float(os.environ.get("BENCH_PACE_SECONDS", "300"))
WRITERS = 3


def write_tree(path):
    zone_dn = "dc=bench,dc=example,ou=DNS,o=ispman"
    soa = "ns1.bench.example. hostmaster.bench.example. 2026010101 3H 30M 1W 1D"
    blocks = ["dn: o=ispman\nobjectClass: organization\no: ispman",
              "dn: ispmanDomain=bench.example,o=ispman\nobjectClass: ispmanDomain\nobjectClass: ispmanBranch\n"
              "ispmanDomain: bench.example\nispmanDomainType: primary",
              "dn: ou=DNS,o=ispman\nobjectClass: ispmanBranch\nou: DNS",
              "dn: dc=example,ou=DNS,o=ispman\nobjectClass: ispmanBranch\ndc: example",
              "dn: %s\nobjectClass: ispmanBranch\ndc: bench" % zone_dn]
    for kind in ("sOARecord", "nSRecord", "aRecord"):
        blocks.append("dn: ou=%s,%s\nobjectClass: ispmanBranch\nou: %s" % (kind, zone_dn, kind))

    def record(owner, kind, value):
        blocks.append("dn: relativeDomainName=%s,ou=%s,%s\nobjectClass: dNSZone\nzoneName: bench.example\n"
                      "relativeDomainName: %s\n%s: %s" % (owner, kind, zone_dn, owner, kind, value))

    record("@", "sOARecord", soa)
    record("@", "nSRecord", "ns1.bench.example.")
    record("ns1", "aRecord", "192.0.2.1")
    for n in range(1000):
        record("h%d" % n, "aRecord", "192.0.2.2")
    with open(path, "w") as f:
        f.write("\n\n".join(blocks) + "\n")
    return "relativeDomainName=h%u,ou=aRecord," + zone_dn


def status(cached):
    return json.loads(cached.ctl("status", "--json").stdout)


def probe(*arguments):
    tool = os.path.join(servers.BUILDDIR, "tests/bench/change_probe")
    return subprocess.run([tool] + [str(a) for a in arguments], check=True, capture_output=True, text=True).stdout.split()


def measure_latency(box, slapd, named, entry):
    p50, p90, p99, worst = (float(x) for x in probe("latency", slapd.uri, slapd.manager, slapd.password,
                                                    entry.replace("%u", "7"), "h7.bench.example", named.port, CHANGES))
    print("latency of %d changes: p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, worst %.2f ms" % (CHANGES, p50, p90, p99, worst))
    print("  wanted p50 <= 3 ms: %s; p99 <= 15 ms: %s" % ("reached" if p50 <= 3 else "MISSED",
                                                        "reached" if p99 <= 15 else "MISSED"))


def measure_pace(slapd, cached, entry):
    queue, stop = [], threading.Event()

    def watch():
        while not stop.wait(1):
            queue.append(status(cached)["queue"])

    watcher = threading.Thread(target=watch)
    watcher.start()
    changes, seconds = probe("pace", slapd.uri, slapd.manager, slapd.password, entry, WRITERS, PACE_SECONDS)
    ended = time.monotonic()
    cached.wait(60)
    behind = time.monotonic() - ended
    stop.set()
    watcher.join()
    third = max(1, len(queue) // 3)
    print("pace: %d writers, %s changes in %s s: %.0f a second; all visible %.2f s after the last" % (
        WRITERS, changes, seconds, int(changes) / float(seconds), behind))
    print("  commits not yet visible, sampled each second: first third at most %d, last third at most %d" % (
        max(queue[:third], default=0), max(queue[-third:], default=0)))


def main():
    missing = servers.missing("slapd", "named", "cached", "module", "ispmanctl")
    if missing:
        raise SystemExit("missing: %s" % missing)
    with servers.Sandbox("bench-change") as box:
        ldif = box.path("tree.ldif")
        entry = write_tree(ldif)
        slapd = box.slapd(ldif=ldif, sessionlog=10000)
        cached = box.cached(slapd=slapd)
        named = box.named(dlz=cached, options="minimal-responses yes;", dlz_arguments="run-dir=" + cached.run_dir)
        measure_latency(box, slapd, named, entry)
        measure_pace(slapd, cached, entry)
        done = cached.ctl("verify")
        print("verify afterwards: " + ("no difference" if done.returncode == 0 else done.stdout + done.stderr))


if __name__ == "__main__":
    main()
