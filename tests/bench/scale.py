#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What the number of zones costs: first load, start of named, memory, CPU per query.

	make bench-scale
	BENCH_SIZES=1000,100000 BENCH_LDIF_SIZES=66667,1000000 BENCH_NATIVE=100000 tests/bench/scale.py

BENCH_SIZES go through slapd, BENCH_LDIF_SIZES through the LDIF source; zones of 5 records in ISPMan's layout (15 entries a
zone). BENCH_NATIVE zones are also given to named as files, for comparison. The page cache is dropped for the
"cold" start where that is allowed (root).
"""
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import servers  # noqa: E402

SIZES = [int(n) for n in os.environ.get("BENCH_SIZES", "1000,100000").split(",") if n]
LDIF_SIZES = [int(n) for n in os.environ.get("BENCH_LDIF_SIZES", "66667,1000000").split(",") if n]
NATIVE = int(os.environ.get("BENCH_NATIVE", "100000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "3"))  # dnsperf takes whole ones
TICKS = os.sysconf("SC_CLK_TCK")


def memory(pid):
    """(anonymous, resident) in MiB"""
    fields = dict(re.findall(r"^(\w+):\s+(\d+) kB", open("/proc/%d/status" % pid).read(), re.M))
    return int(fields["RssAnon"]) / 1024, int(fields["VmRSS"]) / 1024


def cpu(pid):
    fields = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def make_tree(box, zones):
    path = box.path("tree-%d.ldif" % zones)
    with open(path, "w") as f:
        done = subprocess.run([os.path.join(servers.BUILDDIR, "tests/bench/maketree"), str(zones)], stdout=f,
                              stderr=subprocess.PIPE, text=True, check=True)
    os.chmod(path, 0o640)
    print("## " + done.stderr.strip() + ", %.0f MB of LDIF" % (os.path.getsize(path) / 1e6), flush=True)
    return path


def disk(path):
    return sum(os.stat(os.path.join(folder, name)).st_blocks * 512
               for folder, _, names in os.walk(path) for name in names)


def first_load(cached):
    """Starts CACHED and follows it to the end: (seconds, entries, peak of anonymous memory in MiB, CPU seconds)"""
    began = time.monotonic()
    peak = 0.0
    cached.start(wait=False)
    while True:
        try:
            peak = max(peak, memory(cached.pid)[0])
        except (KeyError, OSError):
            pass
        done = cached.ctl("status", "--json")
        if done.returncode in (0, 1):
            try:
                if json.loads(done.stdout)["synchronised"]:
                    break
            except (ValueError, KeyError):
                pass
        if cached.process.poll() is not None:
            raise SystemExit("ispman-cached ended: " + cached.log()[-2000:])
        time.sleep(0.2)
    took = time.monotonic() - began
    return took, json.loads(done.stdout)["entries"], peak, cpu(cached.pid)


def report_load(cached, ldif, took, entries, peak, used):
    size = disk(cached.cache_dir)
    print("first load: %d entries in %.1f s, %.0f a second; CPU %.1f s; anonymous memory at most %.1f MiB (wanted <= 64: %s)" % (
        entries, took, entries / took, used, peak, "reached" if peak <= 64 else "MISSED"))
    print("disk: all environments %.0f MB, %.2f times the LDIF (wanted <= 4: %s)" % (
        size / 1e6, size / os.path.getsize(ldif), "reached" if size <= 4 * os.path.getsize(ldif) else "MISSED"))


def search_all(slapd):
    """Seconds of a plain ldapsearch of everything: the median of three."""
    times = []
    for _ in range(3):
        began = time.monotonic()
        subprocess.run([servers.find_tool("ldapsearch"), "-LLL", "-x", "-H", slapd.uri, "-D", slapd.manager, "-w",
                        slapd.password, "-b", slapd.base, "(objectClass=*)"], stdout=subprocess.DEVNULL, check=True)
        times.append(time.monotonic() - began)
    return statistics.median(times)


def drop_page_cache():
    os.sync()
    try:
        with open("/proc/sys/vm/drop_caches", "w") as f:
            f.write("3\n")
        return True
    except OSError:
        return False


def question(name, number=0):
    wire = number.to_bytes(2, "big") + b"\0\0\0\1\0\0\0\0\0\0"
    for label in name.split("."):
        wire += bytes([len(label)]) + label.encode()
    return wire + b"\0\0\1\0\1"


def is_running(named):
    return re.search(rb" running\r?\n", open(named.log_path, "rb").read()) is not None


def time_start(named, names):
    """Starts NAMED: seconds from exec until it answers the first of NAMES correctly, and until its log says running; then
    milliseconds for each further name, first touch."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect(("127.0.0.1", named.port))
    s.settimeout(0.005)
    began = time.monotonic()
    named.spawn()
    running = None
    while True:
        if running is None and is_running(named):
            running = time.monotonic() - began
        try:
            s.send(question(names[0]))
            answer = s.recv(4096)
            if answer[3] & 15 == 0 and answer[7] > 0:
                break
        except OSError:
            pass
        if time.monotonic() - began > 120:
            raise SystemExit("named does not answer: " + named.log()[-2000:])
    first = time.monotonic() - began
    if running is None:
        servers.wait_until(lambda: is_running(named), "named to run", 60)
        running = first
    s.settimeout(5)
    later = []
    for number, name in enumerate(names[1:], 1):
        at = time.monotonic()
        s.send(question(name, number))
        while s.recv(4096)[:2] != number.to_bytes(2, "big"):
            pass
        later.append((time.monotonic() - at) * 1000)
    return first, running, later


def report_start(named, zones, what):
    names = ["www.z%d.example" % (n * zones // 51) for n in range(50)]
    dropped = drop_page_cache()
    first, running, later = time_start(named, names)
    anonymous, resident = memory(named.pid)
    print("%s: named runs %.2f s after its start%s, first correct answer %.0f ms after that; %d further zones at first touch: median "
          "%.2f ms, worst %.2f ms" % (what, running, " (page cache dropped)" if dropped else "", max(0, first - running) * 1000,
                                      len(later), statistics.median(later), max(later)))
    print("%s: %.0f MB anonymous, %.0f MB resident with mapped pages" % (what, anonymous, resident))
    return anonymous


def cpu_per_query(box, port, pid, zones):
    path = box.write("q", "".join("www.z%d.example A\n" % (n * 7919 % zones) for n in range(200000)))
    used = []
    for turn in range(ROUNDS + 1):
        before = cpu(pid)
        done = subprocess.run([servers.find_tool("dnsperf"), "-s", "127.0.0.1", "-p", str(port), "-d", path, "-l", str(SECONDS),
                               "-c", "20", "-T", "1", "-q", "200"], capture_output=True, text=True, check=True)
        answers = int(re.search(r"Queries completed:\s+(\d+)", done.stdout).group(1))
        if turn > 0:  # the first one warms
            used.append((cpu(pid) - before) / answers * 1e6)
    return statistics.median(used)


def native(box, zones):
    """The same zones as files of named."""
    folder = box.path("native-zones")
    os.makedirs(folder)
    with open(folder + "/zone", "w") as f:
        f.write("$TTL 86400\n@ SOA ns1.isp.example. hostmaster.isp.example. 2026010101 10800 1800 604800 86400\n"
                " NS ns1.isp.example.\n NS ns2.isp.example.\n A 192.0.2.1\nwww A 192.0.2.1\n")
    conf = "".join('zone "z%d.example" { type primary; file "%s/zone"; };\n' % (n, folder) for n in range(zones))
    named = box.named(zones=conf, options="minimal-responses yes;", name="native", start=False)
    report_start(named, zones, "native, %d zones" % zones)
    used = cpu_per_query(box, named.port, named.pid, zones)
    print("native, %d zones: CPU %.2f us a query" % (zones, used), flush=True)
    box.release(named)


def one_size(box, zones, through_slapd):
    ldif = make_tree(box, zones)
    ratio = ""
    if through_slapd:
        slapd = box.slapd(ldif=ldif)
        plain = search_all(slapd)
        cached = box.cached(slapd=slapd, start=False)
        took, entries, peak, used = first_load(cached)
        # A start costs some tenths of a second, whatever the size: the bar is for a million entries.
        verdict = "" if entries < 1000000 else " (wanted >= 0.5: %s)" % ("reached" if plain / took >= 0.5 else "MISSED")
        ratio = "; plain ldapsearch %.0f entries a second: ratio %.2f%s" % (entries / plain, plain / took, verdict)
    else:
        cached = box.cached(source="ldif:" + ldif, start=False)
        took, entries, peak, used = first_load(cached)
    print("%d zones through %s%s" % (zones, "slapd" if through_slapd else "the LDIF source", ratio))
    report_load(cached, ldif, took, entries, peak, used)
    if through_slapd:
        box.release(slapd)
    named = box.named(dlz=cached, options="minimal-responses yes;", dlz_arguments="minimal=yes run-dir=" + cached.run_dir,
                      name="module", start=False)
    report_start(named, zones, "module, %d zones" % zones)
    per_query = cpu_per_query(box, named.port, named.pid, zones)
    print("module, %d zones: CPU %.2f us a query" % (zones, per_query), flush=True)
    box.release(named, cached)
    shutil.rmtree(cached.cache_dir)
    os.unlink(ldif)
    return entries / took, per_query


def main():
    missing = servers.missing("slapd", "named", "cached", "module", "ispmanctl", "dnsperf", "ldapsearch")
    if missing:
        raise SystemExit("missing: %s" % missing)
    with servers.Sandbox("bench-scale") as box:
        figures = {}
        if NATIVE:
            native(box, NATIVE)
        for zones in SIZES:
            figures[zones] = one_size(box, zones, True)
        rates = []
        for zones in LDIF_SIZES:
            figures[zones] = one_size(box, zones, False)
            rates.append(figures[zones][0])
        if len(rates) > 1:
            print("first load through LDIF, rate of the largest to the smallest: %.2f (wanted >= 0.5: %s)" % (
                rates[-1] / rates[0], "reached" if rates[-1] >= 0.5 * rates[0] else "MISSED"))
        if len(figures) > 1:
            small, large = figures[min(figures)], figures[max(figures)]
            print("CPU a query, largest to smallest: %.2f (wanted <= 1.3: %s)" % (
                large[1] / small[1], "reached" if large[1] / small[1] <= 1.3 else "MISSED"))


if __name__ == "__main__":
    main()
