# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Drives tests/integration/sync_probe and keeps a model of what a replica would hold.

    probe = Probe(box, uri=[slapd.uri], base="o=ispman", **reader)
    probe.wait_event("sweep")
    probe.same_as(slapd)        # every entry, by id and DN, and nothing else

The model does what RFC 4533 asks of a client: entries by entryUUID, generations, a sweep at the end of a
refresh, and the DNs of descendants moved with a renamed entry.
"""

import os
import queue
import re
import subprocess
import threading
import time

import servers

PROGRAM = "tests/integration/sync_probe"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def fold(dn):
    """A DN in one spelling, as far as these tests vary it."""
    return re.sub(r"\s*([,=])\s*", r"\1", dn.lower())


class Model:
    def __init__(self):
        self.entries = {}      # uuid -> [dn, {attribute: [values]}]
        self.seen = set()
        self.in_refresh = False

    def take(self, line):
        word, _, rest = line.partition(" ")
        if word == "begin":
            self.seen, self.in_refresh = set(), True
        elif word == "entry":
            head, *attributes = rest.split("\t")
            uuid, dn = head.split(" ", 1)
            values = {}
            for attribute in attributes:
                name, _, value = attribute.partition("=")
                values[name.lower()] = value.split("|")
            self._rename(uuid, dn)
            self.entries[uuid] = [dn, values]
            self.seen.add(uuid)
        elif word == "present":
            self.seen.add(rest)
        elif word == "gone":
            self.entries.pop(rest, None)
        elif word == "sweep":
            for uuid in set(self.entries) - self.seen:
                del self.entries[uuid]
            self.in_refresh = False
        elif word in ("done", "abort"):
            self.in_refresh = False

    def _rename(self, uuid, dn):
        """Descendants of a renamed entry are never mentioned: they go with it."""
        if uuid not in self.entries or fold(self.entries[uuid][0]) == fold(dn):
            return
        old = fold(self.entries[uuid][0])
        for entry in self.entries.values():
            if fold(entry[0]).endswith("," + old):
                entry[0] = entry[0][:len(entry[0]) - len(old)] + dn

    def dns(self):
        return {uuid: fold(dn) for uuid, (dn, _) in self.entries.items()}

    def find(self, dn):
        for there, values in self.entries.values():
            if fold(there) == fold(dn):
                return values
        return None


class Probe:
    """options: the probe's own, lists for what may be repeated; _ stands for -."""

    def __init__(self, box, **options):
        self.box, self.options = box, options
        self.model, self.lines = Model(), []
        self.process = None
        self._mark = 0
        self.start()

    def _arguments(self):
        for key, value in self.options.items():
            for item in value if isinstance(value, (list, tuple)) else [value]:
                yield "%s=%s" % (key.replace("_", "-"), item)

    def start(self, **changes):
        self.options.update(changes)
        self.queue = queue.Queue()
        environment = dict(os.environ, LDAPNOINIT="1")
        environment.update(self.options.pop("env", {}))
        self.process = subprocess.Popen(
            [servers.built(PROGRAM)] + list(self._arguments()), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, errors="replace", env=environment,
            preexec_fn=servers._die_with_parent)
        self.box.servers.append(self)
        self.lines, self._mark = [], 0
        threading.Thread(target=self._read, args=(self.process, self.queue), daemon=True).start()
        return self

    @staticmethod
    def _read(process, lines):
        for line in process.stdout:
            lines.put(line.rstrip("\n"))
        lines.put(None)

    def _next(self, until):
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the probe said only:\n" + "\n".join(self.lines[-40:]))
        try:
            line = self.queue.get(timeout=left)
        except queue.Empty:
            raise TimeoutError("the probe said only:\n" + "\n".join(self.lines[-40:])) from None
        if line is None:
            raise EOFError("the probe ended after:\n" + "\n".join(self.lines[-40:]))
        self.lines.append(line)
        self.model.take(line)
        return line

    def wait_line(self, pattern, deadline=None):
        """The next line that matches PATTERN, also one that came since the last wait."""
        until = time.monotonic() + (servers.DEADLINE if deadline is None else deadline)
        while True:
            while self._mark < len(self.lines):
                line = self.lines[self._mark]
                self._mark += 1
                if re.search(pattern, line):
                    return line
            self._next(until)

    def wait_refresh(self, deadline=None):
        """The end of a refresh: "sweep" or "done". It is durable when this returns."""
        line = self.wait_line("^(sweep|done) ", deadline)
        self.wait_line("^flush$", deadline)
        return line.split(" ")[0]

    def wait_said(self, *words, deadline=None):
        """The next sentence that holds all WORDS."""
        until = time.monotonic() + (servers.DEADLINE if deadline is None else deadline)
        while True:
            line = self.wait_line("^say ", until - time.monotonic())
            if all(word in line for word in words):
                return line

    def wait_same(self, slapd, *search, deadline=20):
        """Until the model holds what SLAPD holds; raises with the difference."""
        want = contents(slapd, *search)
        until = time.monotonic() + deadline
        while self.model.dns() != want or self.model.in_refresh:
            try:
                self._next(until)
            except TimeoutError:
                have = self.model.dns()
                raise AssertionError("only in the model: %r\nonly in LDAP: %r" % (
                    sorted(set(have.items()) - set(want.items()))[:9],
                    sorted(set(want.items()) - set(have.items()))[:9])) from None
        return True

    def wait_values(self, slapd, name, deadline=20):
        """Until the first value of the attribute NAME is the same everywhere."""
        want = contents(slapd, "(%s=*)" % name, values_of=name)
        until = time.monotonic() + deadline

        def have():
            return {fold(dn): values[name][0] for dn, values in self.model.entries.values() if name in values}

        while have() != want:
            try:
                self._next(until)
            except TimeoutError:
                raise AssertionError("got  %r\nwant %r" % (have(), want)) from None

    def command(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def status(self):
        self.command("status")
        line = self.wait_line("^status ")
        head, _, error = line[7:].partition(" error=")
        values = dict(item.split("=", 1) for item in head.split(" "))
        values["error"] = error
        return values

    def wait_phase(self, *phases, deadline=20):
        until = time.monotonic() + deadline
        while True:
            status = self.status()
            if status["phase"] in phases:
                return status
            if time.monotonic() > until:
                raise TimeoutError("phase is %r" % (status,))
            time.sleep(0.02)

    def wait_attempts(self, more, deadline=20):
        """Until it has tried MORE more times to connect."""
        want = int(self.status()["attempts"]) + more
        servers.wait_until(lambda: int(self.status()["attempts"]) >= want, "more attempts", deadline,
                           self.process, pause=0.1)

    def said(self):
        return [line[4:] for line in self.lines if line.startswith("say ")]

    def log(self):
        return "\n".join(self.lines)

    log_path = name = "sync_probe"

    def stop(self, deadline=20):
        """Ends it, takes its last words, and returns how long it took to obey."""
        if self.process is None or self.process.poll() is not None:
            return 0.0
        began = time.monotonic()
        try:
            self.command("stop")
            self.process.wait(deadline)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
            raise
        took = time.monotonic() - began
        try:
            while True:
                self._next(time.monotonic() + 5)
        except EOFError:
            pass
        if self.process.returncode != 0:
            raise AssertionError("sync_probe ended with %d" % self.process.returncode)
        return took


def contents(slapd, *search, values_of=None):
    """uuid -> DN of everything in SLAPD, by ldapsearch; or DN -> value of the attribute VALUES_OF."""
    found, dn = {}, None
    name = values_of or "entryUUID"
    for line in slapd.search("-b", slapd.base, *(search or ("(objectClass=*)",)), name).splitlines():
        if line.startswith("dn: "):
            dn = fold(line[4:])
        elif line.startswith(name + ": "):
            value = line[len(name) + 2:]
            found.update({dn: value} if values_of else {value: dn})
    return found
