#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Logins go on: with slapd stopped, or accepting connections and saying nothing; while ispman-saslauthd is restarted fifty times under
SMTP sessions and other askers, and ispman-cached is killed. Every right password is taken, no wrong one is, and nobody is told 535 or NO
who was right.

AUTH_RESTARTS=500 makes more restarts."""

import os
import signal
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import authstage  # noqa: E402
import mailstage  # noqa: E402
import mux        # noqa: E402
import stock      # noqa: E402
import tap        # noqa: E402
import tcpproxy   # noqa: E402

RESTARTS = int(os.environ.get("AUTH_RESTARTS", "50"))
USERS = 100


def tree():
    t = mailstage.sample()
    t.mail_domain("osprey.example")
    for i in range(USERS):
        t.user("osprey.example", "u%d" % i, uid=["u%d_osprey_example" % i, "u%d@osprey.example" % i], userPassword=authstage.ssha("secret-%d" % i))
    return t


class Askers(authstage.Load):
    """Threads of four kinds: the socket, testsaslauthd, and SMTP with PLAIN and LOGIN. What could not be told is counted, and asked again."""

    def __init__(self, stage, threads=12, programs=True):
        self.stage, self.programs = stage, programs
        self.untold = 0
        self.count_lock = threading.Lock()
        super().__init__(self._one, threads)

    def _one(self, number, turn):
        user = turn % USERS
        login, password = "u%d@osprey.example" % user, "secret-%d" % user
        kind = number % 4 if self.programs else 0
        if kind == 0:
            return self._expect(lambda p: mux.ask_as_libsasl(self.stage.path, login, p, "imap"), login, password, "OK", "NO", None)
        if kind == 1:
            return self._expect(lambda p: self._program(login, p), login, password, "OK", "NO", None)
        how = "login" if kind == 2 else "login_in_steps"
        return self._expect(lambda p: self._smtp(how, login, p), login, password, 235, 535, 454)

    def _program(self, login, password):
        status, words = stock.testsaslauthd(self.stage.path, login, password, "smtp")
        if status < 0 or status == 255 and "NO" not in words:
            return None
        return {0: "OK", 255: "NO"}[status]

    def _smtp(self, how, login, password):
        with self.stage.mta.session() as smtp:
            return getattr(smtp, how)(login, password)[0]

    def _expect(self, ask, login, password, right, wrong, untold):
        for given, want in ((password, right), ("wrong", wrong)):
            for _ in range(20):
                got = ask(given)
                if got != untold:
                    break
                with self.count_lock:
                    self.untold += 1
            if got != want:
                return "%s with %s: got %s, want %s" % (login, given, got, want)
        return None


def restarts(t, stage):
    for number, name in ((signal.SIGTERM, "TERM"), (signal.SIGKILL, "KILL")):
        with Askers(stage) as load:
            load.wait_more(1)
            for i in range(RESTARTS // 2):
                stage.saslauthd.stop(number)
                if i % 5 == 0:
                    # A longer gap: connections wait in the socket's queue.
                    load.stopping.wait(0.2)
                stage.saslauthd.start(wait=False)
                load.wait_more(1)
                if load.wrong:
                    break
        load.judge(t, "ispman-saslauthd restarted %d times by SIG%s, no right password refused" % (i + 1, name))
        tap.say("SIG%s: %d of %d could not be told, and were asked again" % (name, load.untold, sum(load.asked) * 2))
        if number == signal.SIGTERM:
            t.same(load.untold, 0, "SIGTERM: who has connected is answered")


def cached_killed(t, stage):
    with Askers(stage) as load:
        for _ in range(5):
            load.wait_more(2)
            stage.cached.kill()
            load.wait_more(2)
            stage.cached.start(wait=False)
        load.wait_more(2)
    stage.cached.wait()
    load.judge(t, "ispman-cached killed and started again")
    t.same(load.untold, 0, "ispman-cached killed: everything could be told")


def everybody(t, stage, what):
    """All users, all right and all wrong."""
    got = [(stage.ask("u%d@osprey.example" % i, "secret-%d" % i), stage.ask("u%d@osprey.example" % i, "wrong")) for i in range(USERS)]
    t.same([pair for pair in got if pair != ("OK", "NO")], [], what + ": %d right passwords taken, as many wrong ones refused" % USERS)
    rows = [(login, authstage.SECRETS[key]) for login, key in (("ada@tern.example", "ada"), ("bob.berg@tern.example", "bob.berg"),
                                                              ("cyrus", "cyrus"), ("ispman", "ispman"))]
    t.same([stage.ask(*row) for row in rows], ["OK"] * 4, what + ": the others too")


def slapd_stopped(t, stage):
    stage.directory.disconnect()
    stage.directory.slapd.stop()
    without(t, stage, "slapd stopped")
    stage.directory.slapd.start()
    stage.cached.wait()


def black_hole(t, stage):
    stage.proxy.freeze()
    without(t, stage, "slapd silent")
    stage.proxy.thaw()
    stage.cached.kill()
    stage.cached.start()
    everybody(t, stage, "slapd speaks again")


def without(t, stage, what):
    everybody(t, stage, what)
    with Askers(stage) as load:
        load.wait_more(3)
        stage.cached.kill()
        stage.saslauthd.stop()
        stage.saslauthd.start(wait=False)
        load.wait_more(3)
        # It starts without its directory, and everybody goes on.
        stage.cached.start(wait=False)
        load.wait_more(3)
    load.judge(t, what + " throughout, and everything restarted")
    t.same(load.untold, 0, what + ": everything could be told")
    everybody(t, stage, what + ", after a restart")


def logs(t, stage):
    secrets = ["secret-%d" % i for i in range(USERS)] + list(authstage.stored_values(stage.tree)) + ["adapw", "bobpw", "cyruspw"]
    t.same(stage.leaks(secrets), [], "no password and no stored value is in any log")
    t.ok(not stage.mta.answers_of("fatal:") and not stage.mta.answers_of("panic:"), "Postfix has nothing to complain about")


def run(t, box):
    # ispman-cached reaches slapd through a proxy that can fall silent.
    stage = authstage.AuthStage(box, tree(), slapd=True, inherited=True, start=False)
    stage.proxy = tcpproxy.Proxy(stage.directory.slapd.port)
    stage.cached.settings["ldap"]["uri"] = stage.proxy.uri
    stage.cached.write_conf()
    stage.cached.start()
    stage.postfix()
    for test in (restarts, cached_killed, slapd_stopped, black_hole, logs):
        t.case(test.__name__ + " came to its end", test, t, stage)
    stage.proxy.close()


authstage.main("sasl-outage", (run,), ("slapd", "postfix", "testsaslauthd"))
