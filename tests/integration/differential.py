# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""The module inside named answers exactly as named answers from native zones.

Random domains are written twice from one model: as an ISPMan directory for ispman-cached and dlz_ispman.so, and as
native zone files for a second server of the same named binary. tests/diff/dnsdiff then asks both the
same questions and compares rcode, AA, answer, authority, and the glue of referrals, with
"minimal-responses" yes and no. What may differ is listed in tests/diff/judge.h.
Each universe is then changed some times while the module serves it, and compared again.

ISPMAN_DIFF_N     how many comparisons to make at least (100000)
ISPMAN_DIFF_SEED  the first seed (1); each following universe has the next one
ISPMAN_DIFF_SIDE  native: compare named with named, a check of this test itself
"""

import os
import random
import re
import subprocess
import sys
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import dnsclient
import ispman_ldif
import questions
import servers
import tap
import zonechange
import zonemodel
import zonewriter

COMPARISONS = int(os.environ.get("ISPMAN_DIFF_N", "100000"))
FIRST_SEED = int(os.environ.get("ISPMAN_DIFF_SEED", "1"))
NATIVE_SIDE = os.environ.get("ISPMAN_DIFF_SIDE") == "native"
DIFFERENCES_MOST = 20
QUESTIONS_MOST = 40000
GENERATIONS = 3
VIEWS = ["minimal-responses yes;", "minimal-responses no;", "minimal-responses yes;"]
# The last one tells the module that responses are minimal, which it then makes use of.
DLZ_ARGUMENTS = ["allow-transfer=127.0.0.1", "allow-transfer=view", "minimal=yes allow-transfer=view"]
# named refuses larger sets in zone files unless told otherwise, and gives the SOA in an answer to a
# question for a SOA that is not there the TTL 0; for a DLZ database it does neither.
OPTIONS = "zero-no-soa-ttl no; max-records-per-type 0; max-types-per-name 0; max-records 0; allow-transfer { any; };"


def plain_zone(zones, names):
    """What the zone of NAMES[0] says of NAMES, and of the names and wildcards above them."""
    best = max((origin for origin in zones if names[0][-len(origin):] == origin), key=len, default=None)
    if best is None:
        return "no zone"
    wanted = set()
    for name in names:
        for i in range(len(name)):
            wanted.add(dnsclient.name_text(name[i:]))
            wanted.add(dnsclient.name_text((b"*",) + name[i + 1:]))
    lines = [line if len(line) <= 200 else line[:200] + "…" for line in zones[best].splitlines()
             if line.split(" ", 1)[0] in wanted]
    return "\n".join(lines[:60] + (["… %d more lines" % (len(lines) - 60)] if len(lines) > 60 else []))


def check_loaded(native, zones):
    """A zone that named refused would make both sides say REFUSED."""
    log = native.log()
    for origin in zones:
        text = dnsclient.name_text(origin)[:-1]
        if "zone %s/IN/view0: loaded serial" % text not in log:
            lines = [line for line in log.splitlines() if text in line or "zone" in line and "error" in line]
            raise RuntimeError("native named does not load %s:\n%s" % (text, "\n".join(lines[-10:])))


def spoiled(zones):
    """The same zones with one number of one SOA changed: the test must notice."""
    origin = min(zones)
    return {**zones, origin: zones[origin].replace(" 604800 ", " 604802 ").replace(
        " 604801 ", " 604802 ")}


def transferred(address, origin):
    """A zone's records by AXFR, the SOA's serial blanked: sorted texts."""
    rcode, records = dnsclient.axfr(address, origin)
    out = []
    for record in records:
        if record.type == 6:
            record.rdata = record.rdata[:-20] + b"\0\0\0\0" + record.rdata[-16:]
        out.append(repr(record))
    return rcode, sorted(out)


class NativeSide:
    """A second server with native zones in place of the module."""

    def __init__(self, box, tree):
        self.box, self.named = box, None

    def follow(self, conf):
        self.stop()
        self.named = self.box.named(zones=conf, views=VIEWS, options=OPTIONS, name="other")
        return self.named

    def stop(self):
        if self.named:
            self.box.release(self.named)
        self.named = None


class ModuleSide:
    """ispman-cached that follows an LDIF file, and named with the module: both run through all changes."""

    def __init__(self, box, tree):
        self.box, self.tree, self.generation = box, tree, 0
        self.ldif = box.path("tree.ldif")
        self.cached = self.named = self.probe = None
        tree.domain("probe.invalid", "primary")
        tree.record("probe.invalid", "@", "SOA", "ns1.isp.test. hostmaster.isp.test. 1 1H 1H 1W 1H")

    def start_source(self):
        self.tree.write(self.ldif)
        return "ldif:" + self.ldif, None

    def change_source(self):
        self.tree.write(self.ldif)

    def follow(self, conf):
        self.generation += 1
        if self.probe:
            self.tree.remove(self.probe)
        text = "generation %d" % self.generation
        self.probe = self.tree.record("probe.invalid", "@", "TXT", text)
        if self.cached is None:
            source, slapd = self.start_source()
            self.cached = self.box.cached(source, slapd, settings={
                "dns": {"reverse-prefixes": " ".join(zonemodel.REVERSE_PREFIXES)}})
            self.named = self.box.named(dlz=self.cached, views=VIEWS, name="module",
                                        options="allow-transfer { any; };",
                                        dlz_arguments=DLZ_ARGUMENTS)
        else:
            self.change_source()
        servers.wait_until(lambda: self.named.query("probe.invalid", "TXT").answers() ==
                           ['TXT "%s"' % text], "the module to show " + text)
        self.cached.wait()
        return self.named

    def stop(self):
        self.box.release(*(server for server in (self.named, self.cached) if server))


class LdapSide(ModuleSide):
    """The same with a slapd, which gets each change by itself."""

    slapd = None

    def start_source(self):
        self.tree.write(self.ldif, version=False)
        self.slapd = self.box.slapd(ldif=self.ldif)
        self.written = self.tree.snapshot()
        return "ldap", self.slapd

    def change_source(self):
        # Parents first, as an LDAP server wants it; the probe last.
        self.slapd.modify(ispman_ldif.changes(self.written, self.tree))
        self.written = self.tree.snapshot()

    def stop(self):
        super().stop()
        if self.slapd:
            self.box.release(self.slapd)


class Comparison:
    def __init__(self, box):
        self.box = box
        self.compared = self.transfers = 0
        self.counts = {}
        self.covered = {}
        self.differences = 0

    def universe(self, seed):
        """One random universe: as it is made, and after each of some changes while the module serves it."""
        # Every fourth directory is in a slapd, which is slower and stores less.
        ldap = seed % 4 == 2 and not NATIVE_SIDE and servers.missing("slapd") is None
        universe = zonemodel.Universe(seed, ascii_only=ldap)
        universe.count["directory in " + ("slapd" if ldap else "a file")] += 1
        writer = zonewriter.write_directory(universe, strict=ldap)
        side = (NativeSide if NATIVE_SIDE else LdapSide if ldap else ModuleSide)(self.box, writer.tree)
        try:
            for generation in range(GENERATIONS):
                if generation:
                    zonechange.Changer(universe, writer).change()
                self.generation(universe, side, "seed %d, generation %d" % (seed, generation))
                if self.differences >= DIFFERENCES_MOST:
                    break
        except Exception:
            self.box.show_logs()
            raise
        finally:
            side.stop()
        for feature, number in universe.count.items():
            self.covered[feature] = self.covered.get(feature, 0) + number

    def generation(self, universe, side, where):
        box = self.box
        zones = zonewriter.native_zones(universe)
        conf = zonewriter.native_conf(zones, box.path("zones"))
        questions_path = box.path("questions")
        questions.write(universe, questions_path, QUESTIONS_MOST, universe.rng)
        native = box.named(zones=conf, views=VIEWS, options=OPTIONS, name="native")
        try:
            check_loaded(native, zones)
            ours = side.follow(conf)
            for view in range(len(VIEWS)):
                self.transfer(ours, native, view, zones, where)
                self.ask(ours, native, view, questions_path, zones, where)
                if self.differences >= DIFFERENCES_MOST:
                    break
        finally:
            box.release(native)

    def transfer(self, ours, native, view, zones, where):
        """Whole zones, which also hold what cuts and DNAMEs hide."""
        for origin in zones:
            got = transferred(ours.addresses[view], origin)
            want = transferred(native.addresses[view], origin)
            self.transfers += 1
            if got != want:
                self.differences += 1
                tap.say("--- difference: %s, transfer of %s, %s\n%s, native %s\nmissing %s\nextra %s" % (
                    where, dnsclient.name_text(origin), VIEWS[view], got[0], want[0],
                    "\n".join(sorted(set(want[1]) - set(got[1]))[:10]),
                    "\n".join(sorted(set(got[1]) - set(want[1]))[:10])))

    def ask(self, ours, native, view, questions_path, zones, where):
        """One pass of dnsdiff; differences are printed."""
        source = native.addresses[view][2]
        done = subprocess.run(
            [servers.built("tests/diff/dnsdiff"), "-a", "127.0.0.1:%d" % ours.port,
             "-b", "127.0.0.1:%d" % native.port, "-s", source,
             "-m", str(DIFFERENCES_MOST - self.differences), questions_path],
            capture_output=True, text=True)
        if done.returncode not in (0, 1):
            raise RuntimeError("dnsdiff failed: " + done.stderr)
        for line in done.stdout.splitlines():
            words = line.split()
            if words[0] == "count":
                self.counts[words[1]] = self.counts.get(words[1], 0) + int(words[2])
                if words[1] == "asked":
                    self.compared += int(words[2])
            elif words[0] == "difference":
                self.differences += 1
                self.show(words, zones, where, VIEWS[view])

    def show(self, words, zones, where, view):
        name = dnsclient.read_name(bytes.fromhex(words[1]), 0)[0]
        tap.say("--- difference: %s, %s %s, %s" % (
            where, dnsclient.name_text(name), dnsclient.type_text(int(words[2])), view))
        ours, native = (dnsclient.Message(bytes.fromhex(word)) for word in words[3:5])
        tap.say("the server under test says\n%s" % ours)
        tap.say("native zones say\n%s" % native)
        names = [name] + [record.owner for message in (ours, native) for section in (
            message.answer, message.authority, message.additional) for record in section]
        tap.say("the zone has\n" + plain_zone(zones, [dnsclient.lower(name) for name in names]))


def harness_finds_a_changed_number(box):
    """A comparison that finds nothing proves something only if it would have found it."""
    universe = zonemodel.Universe(FIRST_SEED, scale=0.3)
    zonewriter.write_directory(universe)
    zones = zonewriter.native_zones(universe)
    wrong = spoiled(zones)
    path = box.path("questions-harness")
    questions.write(universe, path, 10 ** 6, random.Random(1))
    pair = [box.named(zones=zonewriter.native_conf(z, box.path(folder)), views=VIEWS, options=OPTIONS,
                      name=folder) for z, folder in ((wrong, "spoiled"), (zones, "right"))]
    done = subprocess.run([servers.built("tests/diff/dnsdiff"), "-a", "127.0.0.1:%d" % pair[0].port,
                           "-b", "127.0.0.1:%d" % pair[1].port, "-m", "1", path],
                          capture_output=True, text=True)
    box.release(*pair)
    return done.returncode == 1 and "difference" in done.stdout


def main():
    why = servers.missing("named") or (None if NATIVE_SIDE else servers.missing("cached", "ispmanctl",
                                                                                 "module"))
    if why or not servers.built("tests/diff/dnsdiff"):
        tap.skip_all(why or "dnsdiff is not built")
    t = tap.Tap()
    with servers.Sandbox("differential") as box:
        t.ok(harness_finds_a_changed_number(box), "one number that differs in one SOA is found")
        comparison = Comparison(box)
        seed, began = FIRST_SEED, time.monotonic()
        try:
            # Two universes at least: a directory in a file, and one in slapd.
            while ((comparison.compared < COMPARISONS or seed < FIRST_SEED + 2) and
                   comparison.differences < DIFFERENCES_MOST):
                comparison.universe(seed)
                seed += 1
        except Exception:
            t.ok(False, "seed %d runs" % seed, traceback.format_exc())
        tap.say("%d comparisons and %d transfers in %d universes, %.0f s" % (
            comparison.compared, comparison.transfers, seed - FIRST_SEED, time.monotonic() - began))
        for word, number in comparison.counts.items():
            tap.say("%9d %s" % (number, word))
        tap.say("covered:")
        for feature, number in sorted(comparison.covered.items()):
            tap.say("%9d %s" % (number, feature))
        t.ok(comparison.differences == 0 and comparison.compared >= COMPARISONS,
             "%d comparisons with native zones show no difference" % comparison.compared)
        failed = comparison.counts.get("native-servfail", 0) + comparison.counts.get("loop", 0)
        t.ok(failed * 20 < comparison.compared,
             "%d questions that native named cannot answer or that loop are few" % failed)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
