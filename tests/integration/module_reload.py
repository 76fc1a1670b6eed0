# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""named is reloaded while it is asked and while the cache is written, with two views that share one cache.

No answer is wrong or missing, both views stay what they are, and no reader slot is left behind.
"""

import os
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import dnsclient
import dnstext
import servers
import tap

RELOADS = 12
ASKERS = 4
THREADS = int(os.environ.get("ISPMAN_NAMED_THREADS", "2"))


def text(serial):
    """All that changes goes with the serial, so that an answer tells which commit it is of."""
    return dnstext.zone("tern.test", serial, "@ NS - ns", "ns A - 192.0.2.1",
                        "www TXT - \"%d\"" % serial, "*.w TXT - \"wild %d\"" % serial, "a.b.c TXT - \"deep\"")


class Asker(threading.Thread):
    """Asks until told to stop, and keeps what was wrong."""

    def __init__(self, address):
        super().__init__()
        self.address, self.asked, self.wrong = address, 0, []
        self.stopped = threading.Event()
        self.newest = 0

    def run(self):
        try:
            while not self.stopped.is_set():
                self.ask("www.tern.test", "NOERROR", "")
                self.ask("any.w.tern.test", "NOERROR", "wild ")
                self.ask("b.c.tern.test", "NOERROR", None)
                self.ask("x.www.tern.test", "NXDOMAIN", None)
        except Exception as error:  # a thread's own would be lost
            self.wrong.append(repr(error))

    def ask(self, name, rcode, prefix):
        message = dnsclient.query(self.address, name, "TXT", timeout=5, tries=3)
        self.asked += 1
        if message.rcode != rcode or not message.aa:
            self.wrong.append("%s: %s" % (name, message))
        elif prefix is None:
            if message.answer or len(message.authority) != 1:
                self.wrong.append("%s: %s" % (name, message))
        else:
            got = message.answers()[0]
            serial = int(got.split('"')[1][len(prefix):])
            # Two threads of named may stand at two commits, but not at one long gone.
            if serial < self.newest - 3:
                self.wrong.append("%s: serial %d after %d" % (name, serial, self.newest))
            self.newest = max(self.newest, serial)


def reader_slots(cache_dir):
    # It ends with 1 when it lists readers only.
    out = subprocess.run([servers.find_tool("mdb_stat"), "-r", cache_dir + "/dns/2"], capture_output=True,
                         text=True).stdout
    return [line.split() for line in out.splitlines() if line.strip() and line.split()[0].isdigit()]


def main():
    t = tap.Tap()
    lack = servers.missing("named", "module", "mdb_stat")
    if lack or not servers.built(dnstext.PROGRAM):
        tap.skip_all(lack or dnstext.PROGRAM + " is not built")
    with servers.Sandbox("module-reload") as box:
        cache_dir = box.path("cache")
        dnstext.fill(cache_dir, text(1))
        named = box.named(dlz=cache_dir, views=["", ""], options="minimal-responses yes;",
                          dlz_arguments="allow-transfer=127.0.0.1 run-dir=" + box.path("run"))
        askers = [Asker(named.addresses[i % 2]) for i in range(ASKERS)]
        for asker in askers:
            asker.start()
        serial = 1
        for i in range(RELOADS):
            for _ in range(5):
                serial += 1
                dnstext.fill(cache_dir, text(serial))
            named.reload()
        before = [asker.asked for asker in askers]
        servers.wait_until(lambda: all(asker.asked > n + 20 or asker.wrong for asker, n in zip(askers, before)),
                           "answers after the last reload")
        for asker in askers:
            asker.stopped.set()
        for asker in askers:
            asker.join()
        asked = sum(asker.asked for asker in askers)
        tap.say("%d answers during %d reloads and %d commits" % (asked, RELOADS, serial))
        t.same(sum((asker.wrong[:5] for asker in askers), []), [], "every answer is right")
        t.ok(all(asker.asked > 20 for asker in askers), "all of them were answered")
        t.same(max(asker.newest for asker in askers), serial, "the last commit is answered")

        log = named.log()
        t.same(log.count("reloading configuration succeeded"), RELOADS, "named was reloaded each time")
        t.ok("cannot be used" not in log, "the cache was never unusable", log)
        slots = reader_slots(cache_dir)
        tap.say(slots)
        # Each of named's workers keeps one, and so does the thread that reads the configuration.
        t.ok(len(slots) <= THREADS + 2, "no reader slot is left behind", slots)
        t.same(set(slot[0] for slot in slots), {str(named.pid)}, "they are all named's")

        for address in named.addresses:
            message = dnsclient.query(address, "tern.test", "SOA")
            t.ok("SOA ns.outside.invalid. host.outside.invalid. %d " % serial in message.answers()[0],
                 "the view for %s has the zone" % address[2], message)
        t.same(named.stop(), 0, "named ends cleanly")
        t.ok("assertion" not in named.log(), "and without complaint")
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
