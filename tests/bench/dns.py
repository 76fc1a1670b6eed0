#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""CPU per query and throughput of named with the module beside its rivals, same data, same run.

	make bench-dns
	BENCH_ROUNDS=7 BENCH_SECONDS=3 BENCH_HOSTS=100000 tests/bench/dns.py [SERVER ...]

All servers run at once and are asked in turn, round after round, by dnsperf over loopback. What is reported is the
median of the ratios to native named of the same round, so that a machine whose speed drifts does not matter; qps is
the generator's as much as the server's, since they share the processors. CPU is the server's utime + stime over the answers;
for PowerDNS LDAP slapd's is added.

"constant" is a module that knows one address and one SOA (constant_dlz.c): what any DLZ module costs at least.
"""
import os
import re
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import servers  # noqa: E402

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "3"))  # dnsperf takes whole ones
HOSTS = int(os.environ.get("BENCH_HOSTS", "100000"))
ZONE = "bench.example"
DEEP = 2000
WILDCARD = "192.0.2.77"
TICKS = os.sysconf("SC_CLK_TCK")


def records():
    """(owner, type, value) relative to ZONE; values as in a zone file."""
    yield "@", "NS", "ns1"
    yield "@", "NS", "ns2"
    yield "@", "MX", "10 mx1"
    yield "@", "MX", "20 mx2"
    yield "@", "A", "192.0.2.1"
    yield "@", "TXT", "v=spf1 mx -all"
    for n, name in enumerate(("ns1", "ns2", "mx1", "mx2")):
        yield name, "A", "192.0.2.%d" % (10 + n)
    yield "*.wild", "A", WILDCARD
    for n in range(DEEP):
        yield "www.eu.site.d%d" % n, "A", address(n)
    for n in range(HOSTS):
        yield "h%d" % n, "A", address(n)


def address(n):
    return "10.%d.%d.%d" % (n >> 16 & 255, n >> 8 & 255, n & 255)


SOA = "ns1.%s. hostmaster.%s. 2026010101 10800 1800 604800 3600" % (ZONE, ZONE)
CONSTANT_SOA = "ns1 hostmaster 2026010101 3h 30m 1w 1h"  # the same, as short as named reads it


def write_zone(path):
    with open(path, "w") as f:
        f.write("$TTL 3600\n$ORIGIN %s.\n@ IN SOA %s\n" % (ZONE, SOA))
        for owner, kind, value in records():
            f.write("%s %s %s\n" % (owner, kind, '"%s"' % value if kind == "TXT" else value))


ATTRIBUTE = {"NS": "nSRecord", "MX": "mXRecord", "A": "aRecord", "TXT": "tXTRecord", "SOA": "sOARecord"}


def write_ispman(path):
    """ISPMan's layout, flat below the branch of the type."""
    labels = ZONE.split(".")
    zone_dn = ",".join("dc=" + label for label in labels) + ",ou=DNS,o=ispman"

    def entry(f, dn, *lines):
        f.write("dn: %s\n%s\n\n" % (dn, "\n".join(lines)))

    with open(path, "w") as f:
        entry(f, "o=ispman", "objectClass: organization", "o: ispman")
        entry(f, "ispmanDomain=%s,o=ispman" % ZONE, "objectClass: ispmanDomain", "objectClass: ispmanBranch",
              "ispmanDomain: " + ZONE, "ispmanDomainType: primary")
        entry(f, "ou=DNS,o=ispman", "objectClass: ispmanBranch", "ou: DNS")
        for n in range(len(labels) - 1, -1, -1):
            entry(f, ",".join("dc=" + label for label in labels[n:]) + ",ou=DNS,o=ispman", "objectClass: ispmanBranch",
                  "dc: " + labels[n])
        for attribute in ATTRIBUTE.values():
            entry(f, "ou=%s,%s" % (attribute, zone_dn), "objectClass: ispmanBranch", "ou: " + attribute)
        grouped = {}
        for owner, kind, value in [("@", "SOA", SOA)] + list(records()):
            grouped.setdefault((owner, kind), []).append(value)
        for (owner, kind), values in grouped.items():
            entry(f, "relativeDomainName=%s,ou=%s,%s" % (owner, ATTRIBUTE[kind], zone_dn), "objectClass: dNSZone",
                  "zoneName: " + ZONE, "relativeDomainName: " + owner, *["%s: %s" % (ATTRIBUTE[kind], v) for v in values])
    os.chmod(path, 0o640)


def write_powerdns_ldap(path):
    """The layout that PowerDNS's LDAP backend wants: a name an entry, found by associatedDomain."""
    def absolute(kind, value):
        parts = value.split()
        if kind in ("NS", "MX") and not parts[-1].endswith("."):
            parts[-1] = "%s.%s" % (parts[-1], ZONE)
        return " ".join(parts)

    grouped = {"@": [("SOA", SOA)]}
    for owner, kind, value in records():
        grouped.setdefault(owner, []).append((kind, absolute(kind, value)))
    with open(path, "w") as f:
        f.write("dn: o=pdns\nobjectClass: organization\no: pdns\n\n")
        for n, (owner, values) in enumerate(grouped.items()):
            name = ZONE if owner == "@" else "%s.%s" % (owner, ZONE)
            f.write("dn: dc=e%d,o=pdns\nobjectClass: dNSDomain2\nobjectClass: domainRelatedObject\ndc: e%d\n"
                    "associatedDomain: %s\n" % (n, n, name))
            for kind, value in values:
                f.write("%s: %s\n" % (ATTRIBUTE[kind], value))
            f.write("\n")


def questions(kind, count=50000):
    def pick(n):
        # A fixed permutation: neighbours in the file are not neighbours in the zone.
        return n * 7919 % HOSTS

    for n in range(count):
        if kind == "hit":
            yield "h%d.%s A" % (pick(n), ZONE)
        elif kind == "nodata":
            yield "h%d.%s AAAA" % (pick(n), ZONE)
        elif kind == "nxdomain":
            yield "no%d.%s A" % (n, ZONE)
        elif kind == "wildcard":
            yield "w%d.wild.%s A" % (n, ZONE)
        elif kind == "apex-mx":
            yield "%s MX" % ZONE
        elif kind == "deep":
            yield "www.eu.site.d%d.%s A" % (n * 7919 % DEEP, ZONE)


KINDS = ["hit", "nodata", "nxdomain", "wildcard", "apex-mx", "deep", "mixed"]


def write_questions(box):
    paths = {}
    for kind in KINDS[:-1]:
        paths[kind] = box.write("q-" + kind, "\n".join(questions(kind)) + "\n")
    columns = [list(questions(kind, 10000)) for kind in ("hit", "hit", "hit", "nodata", "nxdomain", "wildcard", "deep")]
    paths["mixed"] = box.write("q-mixed", "\n".join(line for row in zip(*columns) for line in row) + "\n")
    return paths


def cpu(pids):
    total = 0
    for pid in pids:
        fields = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def ask(port, questions_path, seconds):
    """(answers, seconds that it took)"""
    done = subprocess.run([servers.find_tool("dnsperf"), "-s", "127.0.0.1", "-p", str(port), "-d", questions_path,
                           "-l", str(seconds), "-c", "20", "-T", "1", "-q", "200"], capture_output=True, text=True)
    answers = re.search(r"Queries completed:\s+(\d+)", done.stdout)
    took = re.search(r"Run time \(s\):\s+([\d.]+)", done.stdout)
    if answers is None or took is None:
        raise SystemExit("dnsperf: " + done.stdout + done.stderr)
    return int(answers.group(1)), float(took.group(1))


class Rival:
    def __init__(self, name, port, *processes, kinds=KINDS):
        self.name, self.port, self.pids, self.kinds = name, port, [p.pid for p in processes], kinds

    def works(self):
        """The question that every one of them must answer."""
        done = subprocess.run([servers.find_tool("dig"), "+short", "+norec", "@127.0.0.1", "-p", str(self.port),
                               "w1.wild.%s" % ZONE, "A"], capture_output=True, text=True)
        return done.stdout.strip() == WILDCARD


def start_named(box, zone):
    os.environ["ISPMAN_NAMED_THREADS"] = "2"
    native = box.named(zones='zone "%s" { type primary; file "%s"; };\n' % (ZONE, zone),
                       options="minimal-responses yes;", name="native")
    return Rival("native", native.port, native)


def start_module(box):
    ldif = box.path("ispman.ldif")
    write_ispman(ldif)
    cached = box.cached(source="ldif:" + ldif)
    named = box.named(dlz=cached, options="minimal-responses yes;", name="module",
                      dlz_arguments="minimal=yes run-dir=%s" % cached.run_dir)
    return Rival("module", named.port, named)


def start_constant(box):
    module = servers.built("tests/bench/.libs/constant_dlz.so")
    statement = 'dlz "constant" { database "dlopen %s %s %s { %s }"; };\n' % (module, ZONE, WILDCARD, CONSTANT_SOA)
    named = box.named(zones=statement, options="minimal-responses yes;", name="constant")
    # It has neither missing names nor empty ones.
    return Rival("constant", named.port, named, kinds=("hit", "nodata"))


def start_powerdns(box, zone, name, cache):
    folder = box.path(name)
    os.makedirs(folder)
    port = servers.free_port()
    with open(folder + "/pdns.conf", "w") as f:
        f.write("launch=lmdb\nlmdb-filename=%s/db\nlmdb-shards=1\nlocal-address=127.0.0.1\nlocal-port=%d\nsocket-dir=%s\n"
                "receiver-threads=2\ndistributor-threads=1\n%s" % (
                    folder, port, folder, "" if cache else "cache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\n"))
    subprocess.run([servers.find_tool("pdnsutil"), "--config-dir=" + folder, "load-zone", ZONE, zone], check=True,
                   capture_output=True)
    server = box.run(name, [servers.find_tool("pdns_server"), "--config-dir=" + folder, "--daemon=no", "--guardian=no",
                            "--disable-syslog", "--loglevel=3"])
    return Rival(name, port, server)


def start_powerdns_ldap(box):
    ldif = box.path("pdns.ldif")
    write_powerdns_ldap(ldif)
    slapd = box.slapd(ldif=ldif, base="o=pdns", schema=["core", "cosine", "dnsdomain2"],
                      extra_database="index associatedDomain eq", name="pdns-slapd")
    folder = box.path("pdns-ldap")
    os.makedirs(folder)
    port = servers.free_port()
    with open(folder + "/pdns.conf", "w") as f:
        f.write("launch=ldap\nldap-host=%s\nldap-basedn=o=pdns\nldap-method=simple\nlocal-address=127.0.0.1\n"
                "local-port=%d\nsocket-dir=%s\nreceiver-threads=2\nzone-cache-refresh-interval=0\ncache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\n"
                % (slapd.uri, port, folder))
    server = box.run("pdns-ldap", [servers.find_tool("pdns_server"), "--config-dir=" + folder, "--daemon=no",
                                   "--guardian=no", "--disable-syslog", "--loglevel=3"])
    return Rival("pdns-ldap", port, server, slapd)


def start_knot(box, zone):
    folder = box.path("knot")
    os.makedirs(folder)
    port = servers.free_port()
    with open(folder + "/knot.conf", "w") as f:
        f.write('server:\n    rundir: "%s"\n    listen: 127.0.0.1@%d\n    udp-workers: 2\n    tcp-workers: 1\n'
                'database:\n    storage: "%s"\nzone:\n  - domain: %s\n    file: "%s"\n    zonefile-sync: -1\n' % (
                    folder, port, folder, ZONE, zone))
    server = box.run("knot", [servers.find_tool("knotd"), "-c", folder + "/knot.conf"])
    return Rival("knot", port, server)


def start_all(box, wanted):
    zone = box.path("zone")
    write_zone(zone)
    starters = {
        "native": lambda: start_named(box, zone),
        "module": lambda: start_module(box),
        "constant": lambda: start_constant(box),
        "pdns-lmdb": lambda: start_powerdns(box, zone, "pdns-lmdb", True),
        "pdns-lmdb-nocache": lambda: start_powerdns(box, zone, "pdns-lmdb-nocache", False),
        "pdns-ldap": lambda: start_powerdns_ldap(box),
        "knot": lambda: start_knot(box, zone),
    }
    rivals = []
    for name, starter in starters.items():
        if wanted and name not in wanted and name != "native":
            continue
        try:
            rival = starter()
            servers.wait_until(rival.works, name + " to answer", 60)
        except (OSError, subprocess.SubprocessError, RuntimeError, AssertionError) as e:
            print("# %s is left out: %s" % (name, str(e).splitlines()[0] if str(e) else repr(e)))
            continue
        rivals.append(rival)
    return rivals


def measure(rivals, paths):
    """{(server, kind): [(CPU us per answer, answers per second) of each round]}"""
    figures = {}
    for rival in rivals:
        ask(rival.port, paths["mixed"], 1)  # warm
    for turn in range(ROUNDS):
        for kind in KINDS:
            # Every round begins with another server.
            for n in range(len(rivals)):
                rival = rivals[(n + turn) % len(rivals)]
                if kind not in rival.kinds:
                    continue
                before = cpu(rival.pids)
                answers, took = ask(rival.port, paths[kind], SECONDS)
                used = cpu(rival.pids) - before
                figures.setdefault((rival.name, kind), []).append((used / max(answers, 1) * 1e6, answers / took))
        print("# round %d of %d" % (turn + 1, ROUNDS), flush=True)
    return figures


def report(rivals, figures):
    print("\nCPU microseconds per answer (median), and the median ratio to native named in the same round")
    print("%-18s" % "" + "".join("%16s" % kind for kind in KINDS))
    for rival in rivals:
        row = "%-18s" % rival.name
        for kind in KINDS:
            if kind not in rival.kinds:
                row += "%16s" % "-"
                continue
            mine = [value for value, _ in figures[rival.name, kind]]
            native = [value for value, _ in figures["native", kind]]
            ratio = statistics.median(a / b for a, b in zip(mine, native))
            row += "%9.2f x%5.2f" % (statistics.median(mine), ratio)
        print(row)
    print("\nAnswers per second (median)")
    for rival in rivals:
        print("%-18s" % rival.name + "".join(
            "%16.0f" % statistics.median(rate for _, rate in figures[rival.name, kind]) if kind in rival.kinds
            else "%16s" % "-" for kind in KINDS))
    names = {rival.name for rival in rivals}
    if "module" in names:
        print()
        for kind, most in (("hit", 1.35), ("wildcard", 1.4), ("nxdomain", 1.4), ("nodata", 1.5)):
            ratio = statistics.median(a / b for (a, _), (b, _) in zip(figures["module", kind], figures["native", kind]))
            print("%-9s %.2f times native's CPU, at most %.2f wanted: %s" % (kind, ratio, most,
                                                                          "reached" if ratio <= most else "MISSED"))
        for kind in ("hit", "nodata") if "constant" in names else ():
            floor = statistics.median(a / b for (a, _), (b, _) in zip(figures["constant", kind], figures["native", kind]))
            ratio = statistics.median(a / b for (a, _), (b, _) in zip(figures["module", kind], figures["constant", kind]))
            print("%-9s no DLZ module costs less than %.2f times native's CPU; ours %.2f times that" % (kind, floor, ratio))
        if "pdns-ldap" in names:
            times = statistics.median(a / b for (_, a), (_, b) in zip(figures["module", "hit"], figures["pdns-ldap", "hit"]))
            print("hit       %.0f times the throughput of PowerDNS LDAP, at least 40 wanted: %s" % (
                times, "reached" if times >= 40 else "MISSED"))


def main():
    missing = servers.missing("named", "dnsperf", "dig")
    if missing:
        raise SystemExit("missing: %s" % missing)
    with servers.Sandbox("bench-dns") as box:
        started = time.time()
        rivals = start_all(box, sys.argv[1:])
        print("# one zone of %d hosts; %d rounds of %g s; servers: %s" % (
            HOSTS, ROUNDS, SECONDS, ", ".join(rival.name for rival in rivals)), flush=True)
        report(rivals, measure(rivals, write_questions(box)))
        print("# took %.0f s" % (time.time() - started))


if __name__ == "__main__":
    main()
