#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Mail goes on: twenty SMTP sessions at a time talk to a real, chrooted Postfix while slapd is stopped, ispman-socketmapd is
restarted fifty times, and ispman-cached is killed. Not one 451, and each accepted message arrives.

MAIL_RESTARTS=500 makes more restarts."""

import os
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import ldapclient  # noqa: E402
import mailstage   # noqa: E402
import postfix     # noqa: E402
import pressure    # noqa: E402
import servers     # noqa: E402
import socketmap   # noqa: E402
import tap         # noqa: E402

RESTARTS = int(os.environ.get("MAIL_RESTARTS", "50"))
SESSIONS = 20
USERS = 200
CHANGES = 200

# Cached answers of one process must not hide a gap: it serves few sessions and ends.
MAIN = """
max_use = 20
max_idle = 2s
"""


def tree():
    t = mailstage.MailTree()
    t.setting("primaryDNS", "ns1.isp.example")
    t.mail_domain("osprey.example")
    t.mail_domain("heron.example", "replica", master="osprey.example")
    t.mail_domain("gull.example", "slave", delivery="smtp", masters="198.51.100.1")
    for i in range(USERS):
        t.user("osprey.example", "u%d" % i, host="mail%d.isp.example" % (1 + i % 2), mailAlias="alias%d@osprey.example" % i)
    t.group("osprey.example", "all", ["u%d@osprey.example" % i for i in range(5)])
    return t


class Load(pressure.Load):
    """SESSIONS threads that send and ask until they are told to stop."""

    def __init__(self, stage, sessions=SESSIONS):
        super().__init__(None, sessions)
        self.stage, self.sent = stage, 0

    def wait_more(self, count):
        super().wait_more(count, process=self.stage.mta.process)

    def _run(self, number):
        turn = number
        try:
            while not self.stopping.is_set():
                with self.stage.mta.session() as smtp:
                    for _ in range(5):
                        turn += self.count
                        self._ask(smtp, number, turn)
                    if number % 4 == 0:
                        self._send(smtp, turn)
        except (OSError, ValueError, postfix.Refused) as e:
            with self.lock:
                self.wrong.append("session %d: %r" % (number, e))

    def _ask(self, smtp, number, turn):
        # Each time other ones: smtpd remembers what it has asked.
        user = turn % USERS
        sender = "s%d@away.example" % turn
        for recipient, want in (("U%d+t%d@osprey.example" % (user, turn), 250), ("alias%d@heron.example" % user, 250),
                                ("nobody%d@osprey.example" % turn, 550), ("x%d@gull.example" % turn, 250)):
            got = smtp.try_recipient(recipient, sender)
            self.note(number, None if got[0] == want else "%s: got %d %s, want %d" % (recipient, got[0], got[1], want))

    def _send(self, smtp, turn):
        smtp.reset()
        reply = smtp.send("s%d@away.example" % turn, ["u%d+m%d@osprey.example" % (turn % USERS, turn)], subject="load")
        with self.lock:
            self.sent += 1 if reply else 0


def judge(t, load, stage, what):
    t.ok(not load.wrong, "%s: %d answers over %d sessions, not one 451" % (what, sum(load.asked), load.count),
         "\n".join(load.wrong))
    stage.mta.wait_empty()
    servers.wait_until(lambda: len(stage.sink.find(subject="load")) >= load.sent, "the mail to arrive")
    t.same(len(stage.sink.find(subject="load")), load.sent, what + ": each of %d accepted messages arrived" % load.sent)
    stage.sink.forget()
    t.same(stage.temporary(), [], what + ": Postfix's log tells of no failed lookup")


def restarts(t, stage):
    with Load(stage) as load:
        load.wait_more(10)
        for i in range(RESTARTS):
            stage.socketmapd.stop(signal.SIGKILL if i % 2 else signal.SIGTERM)
            if i % 5 == 0:
                # A longer gap: connections wait in the socket's queue.
                time.sleep(0.2)
            stage.socketmapd.start(wait=False)
            # Postfix repeats a question whose connection ends, once: no question may meet two restarts.
            load.wait_more(2)
            if load.wrong:
                break
    judge(t, load, stage, "ispman-socketmapd restarted %d times" % (i + 1))


def killed(t, stage):
    with Load(stage) as load:
        for _ in range(5):
            load.wait_more(5)
            stage.cached.kill()
            load.wait_more(5)
            stage.cached.start(wait=False)
        load.wait_more(5)
    stage.cached.wait()
    judge(t, load, stage, "ispman-cached killed and started again")


def slapd_down(t, stage):
    stage.directory.disconnect()
    stage.directory.slapd.stop()
    with Load(stage) as load:
        load.wait_more(20)
        stage.cached.kill()
        stage.socketmapd.stop()
        stage.socketmapd.start(wait=False)
        load.wait_more(10)
        # It starts without its directory, and everybody goes on.
        stage.cached.start(wait=False)
        load.wait_more(10)
    judge(t, load, stage, "slapd stopped throughout")
    stage.directory.slapd.start()
    stage.cached.wait()


def latency(t, stage):
    """From sending a change to slapd until the socket has it."""
    dn = "uid=u0_osprey_example,ou=users,ispmanDomain=osprey.example,o=ispman"
    ldap = ldapclient.Connection(stage.directory.slapd.port, stage.directory.slapd.manager, stage.directory.slapd.password)
    times = []
    with socketmap.Client(stage.path) as client:
        for i in range(CHANGES):
            want = "OK u0@osprey.example,f%d@elsewhere.example" % i
            before = time.monotonic()
            ldap.modify(dn, replace={"mailForwardingAddress": [b"f%d@elsewhere.example" % i]})
            until = time.monotonic() + servers.DEADLINE
            while client.ask("virtual", "u0@osprey.example") != want and time.monotonic() < until:
                pass
            times.append((time.monotonic() - before) * 1000)
    ldap.close()
    times.sort()
    tap.say("a change in LDAP is on the socket after %.1f ms (p50), %.1f ms (p99), %.1f ms at most, of %d" % (
        times[len(times) // 2], times[len(times) * 99 // 100], times[-1], len(times)))
    t.ok(times[-1] < servers.DEADLINE * 1000, "each change in LDAP is seen on the socket")


def main():
    mailstage.skip_unless_possible()
    why = servers.missing("slapd")
    if why:
        tap.skip_all(why)
    t = tap.Tap()
    with servers.Sandbox("mail-outage") as box:
        stage = mailstage.MailStage(box, tree(), slapd=True, main=MAIN, inherited=True)
        for test in (restarts, killed, slapd_down, latency):
            if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]:
                t.case(test.__name__ + " came to its end", test, t, stage)
        stage.close()
    sys.exit(t.done())


if __name__ == "__main__":
    main()
