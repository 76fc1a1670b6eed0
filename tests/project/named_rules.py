#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""The rules between records of one name are named's: random nodes, judged by named-checkzone.

What the projection keeps of a zone must load. And it may leave out only what it must: when a
node loads as it was written, nothing of it may be missing, and when it does not, there is a problem.
"""

import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import ispman_ldif  # noqa: E402
import tap  # noqa: E402

ZONE = "t.example"
OWNERS = ["@", "a", "b", "*", "*.a", "a.b", "k.*", "A"]
MENU = [
    ("A", "192.0.2.1"), ("A", "192.0.2.2"), ("AAAA", "2001:db8::1"), ("NS", "ns.isp.example."),
    ("MX", "10 mail"), ("MX", "10 mail.t.example."), ("TXT", "text"), ("SRV", "0 0 1 host"),
    ("CNAME", "www"), ("CNAME", "www.t.example."), ("CNAME", "other"), ("DNAME", "d.example."),
    ("DNAME", "e.example."), ("PTR", "host"), ("HINFO", '"a" "b"'), ("KEY", "512 3 8 AQ=="),
    ("NSEC", "b.t.example. A NSEC"), ("DS", "1 8 1 " + "00" * 20), ("CAA", '0 issue "x"'),
    ("RP", "a b"),
]
DNSSEC = [
    ("DNSKEY", "257 3 8 AQID"), ("DNSKEY", "257 3 13 AQID"), ("CDS", "0 0 0 00"), ("DS", "1 8 1 " + "00" * 20),
    ("CDS", "1 8 2 " + "00" * 32), ("CDS", "1 13 2 " + "00" * 32), ("CDNSKEY", "0 3 0 AA=="),
    ("CDNSKEY", "257 3 8 AQID"), ("CDNSKEY", "257 3 13 AQID"), ("NSEC3PARAM", "1 0 1 AB"),
    ("NSEC3PARAM", "9 0 1 AB"), ("A", "192.0.2.1"),
]
CHECK = ["named-checkzone", "-q", "-i", "none", "-k", "ignore", "-n", "ignore", "-r", "ignore",
         "-m", "ignore", "-M", "ignore", "-S", "ignore", "-T", "ignore", "-W", "ignore"]


class Judge:
    def __init__(self, folder):
        self.folder = folder
        self.run = os.path.join(os.environ.get("ISPMAN_BUILDDIR", "."), "tests/project/project_ldif")

    def project(self, nodes):
        """NODES (owner → records) through the projection: the zone file, and the kinds of problems."""
        tree = ispman_ldif.Tree()
        tree.domain(ZONE, "primary")
        tree.record(ZONE, "@", "SOA", "ns.isp.example. root.isp.example. 1 3600 900 604800 300")
        tree.record(ZONE, "@", "NS", "ns0.isp.example.")
        for owner, rrtype, value in nodes:
            tree.record(ZONE, owner, rrtype, value, spelling=random.randrange(4))
        path = os.path.join(self.folder, "t.ldif")
        tree.write(path)
        zone = subprocess.run([self.run, "-z", ZONE, path], check=True, capture_output=True).stdout
        text = subprocess.run([self.run, path], check=True, capture_output=True).stdout.decode()
        kinds = [line.split()[1] for line in text.splitlines() if line.startswith("problem ")]
        return zone, kinds

    def loads(self, zone):
        path = os.path.join(self.folder, "t.zone")
        with open(path, "wb") as f:
            f.write(zone)
        return subprocess.run(CHECK + [ZONE, path], stdin=subprocess.DEVNULL,
                              capture_output=True).returncode == 0


def as_written(nodes):
    lines = ["@ 300 SOA ns.isp.example. root.isp.example. 1 3600 900 604800 300",
             "@ 300 NS ns0.isp.example."]
    for owner, rrtype, value in nodes:
        lines.append("%s 300 %s %s" % (owner, rrtype, value))
    return ("\n".join(lines) + "\n").encode()


def random_node(rng, owner):
    # Few types to draw from, so that conflicts and lucky combinations are both common.
    whole = DNSSEC if rng.random() < 0.2 else MENU
    menu = whole if rng.random() < 0.3 else rng.sample(whole, 4)
    return [(owner,) + rng.choice(menu) for _ in range(rng.choice([1, 2, 2, 3, 4]))]


def main():
    if not any(os.access(os.path.join(d, CHECK[0]), os.X_OK)
               for d in os.environ.get("PATH", "").split(":") + ["/usr/sbin", "/usr/bin"]):
        tap.skip_all("named-checkzone is missing")
    os.environ["PATH"] += ":/usr/sbin:/usr/bin"
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
    count = int(os.environ.get("COUNT", 120))
    tap.say("SEED=%d COUNT=%d" % (seed, count))
    rng = random.Random(seed)
    random.seed(seed)
    t = tap.Tap()
    with tempfile.TemporaryDirectory() as folder:
        judge = Judge(folder)
        wrong = refused = 0
        for _ in range(count):
            nodes = list(dict.fromkeys(random_node(rng, rng.choice(OWNERS))))
            zone, kinds = judge.project(nodes)
            as_is = judge.loads(as_written(nodes))
            harmless = [k for k in kinds if k != "duplicate-record"]
            refused += not as_is
            if not judge.loads(zone) or as_is != (not harmless):
                wrong += 1
                tap.say("%r\nloads as written: %s, problems: %s\n%s" %
                        (nodes, as_is, kinds, zone.decode()))
        t.ok(wrong == 0, "a node is cut exactly where named refuses it")
        t.ok(refused > count // 20 and refused < count,
             "both kinds of nodes were among them (%d of %d refused)" % (refused, count))
        wrong = 0
        for _ in range(count // 10):
            nodes = [r for owner in OWNERS for r in random_node(rng, owner)]
            zone, _ = judge.project(list(dict.fromkeys(nodes)))
            if not judge.loads(zone):
                wrong += 1
                tap.say(zone.decode())
        t.ok(wrong == 0, "what is kept of a whole zone loads")
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
