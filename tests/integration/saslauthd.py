#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""ispman-saslauthd at its socket: what it says, when it says nothing, and what it never shows. The secret environment is written by
write_login, but for the last tests, which follow a real slapd and ask it by binds."""

import base64
import crypt
import hashlib
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.environ["ISPMAN_SRCDIR"], "tests", "lib"))
import authstage  # noqa: E402
import mux  # noqa: E402
import servers  # noqa: E402
import tap  # noqa: E402
from authstage import ssha  # noqa: E402

PROGRAM = "saslauth/ispman-saslauthd"


def bcrypt(password, cost=10):
    return "{CRYPT}" + crypt.crypt(password, "$2b$%02d$abcdefghijklmnopqrstuu" % cost)


class Account:
    def __init__(self, number, login, *values, more=""):
        self.number, self.login, self.values, self.more = number, login, values, more

    def lines(self):
        kind = "user own address"
        return ["claim %s %d %s" % (self.login, self.number, kind)], [
            "entry %d user %s domain=tern.example %s %s" % (
                self.number, self.login, self.more, " ".join("value=" + v for v in self.values))]


class Scene:
    """A daemon and an environment that is what write() said last."""

    def __init__(self, box, accounts=(), inherited=False, start=True, options=(), verbose=True, **settings):
        self.box = box
        os.makedirs(box.path("cache", "secret"), exist_ok=True)
        os.makedirs(box.path("run", "metrics", "secret"), exist_ok=True)
        os.makedirs(box.path("sasl"), exist_ok=True)
        self.path = box.path("sasl", "mux")
        self.settings = {"ispman": {"cache-dir": box.path("cache"), "run-dir": box.path("run")},
                         "saslauth": {"listen": "unix:%s,mode=0666" % self.path}}
        self.settings["saslauth"].update({k.replace("_", "-"): v for k, v in settings.items()})
        self.conf_path = box.path("ispman.conf")
        self.configure()
        self.accounts = list(accounts)
        if accounts:
            self.write()
        self.daemon = authstage.Saslauthd(box, self.conf_path, [self.path], inherited=inherited,
                                          options=(["-v", "-v"] if verbose else []) + list(options))
        if start:
            self.daemon.start()

    def configure(self, **more):
        self.settings["saslauth"].update({k.replace("_", "-"): v for k, v in more.items()})
        with open(self.conf_path + ".new", "w") as f:
            for section, values in self.settings.items():
                f.write("[%s]\n" % section + "".join("%s = %s\n" % pair for pair in values.items()))
        os.rename(self.conf_path + ".new", self.conf_path)

    def write(self, *accounts, text=None):
        if accounts:
            self.accounts = list(accounts)
        claims, entries = [], []
        for account in self.accounts:
            more = account.lines()
            claims += more[0]
            entries += more[1]
        if text is None:
            text = "\n".join(["domain tern.example"] + sorted(claims) + entries) + "\n"
        done = subprocess.run([servers.built("tests/lib/write_login"), self.box.path("cache", "secret", "1"), "secret"],
                              input=text.encode(), capture_output=True)
        if done.returncode:
            raise RuntimeError(done.stderr.decode())

    def ask(self, login, password, service="smtp", realm="", *more, **options):
        return mux.ask(self.path, login, password, service, realm, *more, **options)

    def connect(self, timeout=20):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(timeout)
        s.connect(self.path)
        return s

    def timed(self, *args, **options):
        begin = time.monotonic()
        answer = self.ask(*args, **options)
        return answer, time.monotonic() - begin

    def log(self):
        with open(self.daemon.log_path, "rb") as f:
            return f.read().decode("utf-8", "replace")

    def refusals(self):
        return re.findall(r"login refused: (.*)", self.log())

    def counters(self):
        done = subprocess.run([servers.built("cache/ispmanctl"), "-c", self.conf_path, "metrics"], capture_output=True, text=True)
        return done.stdout


ADA = Account(1, "ada@tern.example", ssha("adapw"))
CAS = Account(2, "cas@tern.example", ssha("caspw"), more="suspended")
DOT = Account(3, "dot@tern.example", bcrypt("dotpw", 5))
EVE = Account(4, "eve@tern.example", "{FOO}bar")


# --- what it says -------------------------------------------------------------------------------------------

def replies(t, box):
    scene = Scene(box, [ADA, CAS, DOT, EVE, Account(5, "fay@tern.example", ssha("one"), bcrypt("two", 4), ssha("three")),
                        Account(6, "gus@tern.example", "noEntry"), Account(7, "hal@tern.example", "clearpw"),
                        Account(8, "ida@tern.example")], throttle="no")
    rows = [
        ("ada@tern.example", "adapw", "smtp", "", mux.OK),
        ("ada", "adapw", "smtp", "tern.example", mux.OK),
        ("ADA", "adapw", "smtp", "Tern.Example", mux.OK),
        ("ada@tern.example", "adapw", "smtp", "mail.example", mux.OK),
        ("ada", "adapw", "smtp", "", mux.NO),
        ("ada", "adapw", "smtp", "lark.example", mux.NO),
        ("ada@tern.example", "Adapw", "smtp", "", mux.NO),
        ("ada@tern.example", ssha("adapw"), "smtp", "", mux.NO),
        ("nobody@tern.example", "adapw", "smtp", "", mux.NO),
        ("cas@tern.example", "caspw", "smtp", "", mux.NO),
        ("dot@tern.example", "dotpw", "smtp", "", mux.OK),
        ("dot@tern.example", "dotpw2", "smtp", "", mux.NO),
        ("eve@tern.example", "{FOO}bar", "smtp", "", mux.NO),
        ("eve@tern.example", "bar", "smtp", "", mux.NO),
        ("fay@tern.example", "one", "smtp", "", mux.OK),
        ("fay@tern.example", "two", "smtp", "", mux.OK),
        ("fay@tern.example", "three", "smtp", "", mux.OK),
        ("fay@tern.example", "four", "smtp", "", mux.NO),
        ("gus@tern.example", "noEntry", "smtp", "", mux.NO),
        ("hal@tern.example", "clearpw", "smtp", "", mux.NO),
        # Nobody can read its password: that is no reason to say no.
        ("ida@tern.example", "x", "smtp", "", mux.CANNOT_TELL),
        ("ada@tern.example", "", "smtp", "", mux.NO),
        ("", "adapw", "smtp", "", mux.NO),
        ("ada@tern.example\0x", "adapw", "smtp", "", mux.NO),
        ("ada@tern.example", "adapw\0x", "smtp", "", mux.NO),
    ]
    for login, password, service, realm, want in rows:
        t.same(scene.ask(login, password, service, realm), want, "%r %r realm %r: %s" % (login, password, realm, want))
    t.same(scene.ask("ada@tern.example", "adapw", "smtp", "", "192.0.2.1;4711"), mux.OK, "with a fifth string")
    t.same(scene.ask("ada@tern.example", "adapw", "smtp", "", "nonsense"), mux.OK, "with a fifth string that is no address")
    reasons = [r.rsplit("reason=", 1)[1] for r in scene.refusals() if "malformed" not in r]
    t.same(reasons, ["<unknown-login>", "<unknown-login>", "<password>", "<password>", "<unknown-login>", "<suspended>", "<password>",
                     "<unknown-scheme>", "<unknown-scheme>", "<password>", "<no-password>", "<clear-password>"],
           "the log says why, with one line a login")


def octets(t, box):
    scene = Scene(box, [ADA], throttle="no", request_timeout="1s")
    whole = mux.request("ada@tern.example", "adapw", "smtp", "")
    with scene.connect() as s:
        for i in range(len(whole)):
            s.sendall(whole[i:i + 1])
        t.same(mux.reply(s), mux.OK, "an octet at a time")
        t.same(s.recv(10), b"", "one request a connection: then it ends")
    for name, data, want in [
            ("a login of 1025 octets", mux.request("a" * 1025, "x"), mux.NO),
            ("a login of 65535 octets", b"\xff\xff" + b"a" * 65535, mux.NO),
            ("a password of 4096 octets", mux.request("ada@tern.example", "x" * 4096), mux.NO),
            ("a password of 4097 octets", mux.request("ada@tern.example", "x" * 4097), mux.NO),
            ("a login of 1024 octets", mux.request("a" * 1024, "x", "smtp", "r" * 1024, "c" * 1024), mux.NO),
            ("nothing but lengths", b"\0" * 8, mux.NO),
            ("more than five strings", whole + b"\0\1x\0\1y" * 10, mux.OK)]:
        with scene.connect() as s:
            try:
                s.sendall(data)
                got = mux.reply(s)
            except (BrokenPipeError, ConnectionResetError):
                got = mux.CANNOT_TELL
            t.ok(got == want or (got is None and want == mux.NO and len(data) > 10000), "%s: %s" % (name, want), got)
    begin = time.monotonic()
    with scene.connect() as s:
        s.sendall(whole[:-1])
        t.same(mux.reply(s), mux.CANNOT_TELL, "who does not go on is dropped")
    t.ok(0.9 < time.monotonic() - begin < 5, "after request-timeout")
    with scene.connect() as s:
        s.sendall(whole[:7])
        s.shutdown(socket.SHUT_WR)
        t.same(mux.reply(s), mux.CANNOT_TELL, "who ends in the middle gets nothing")
    with scene.connect() as s:
        s.sendall(whole)
        s.shutdown(socket.SHUT_WR)
        t.same(mux.reply(s), mux.OK, "who ends its side after the request gets the answer")
    with scene.connect() as s:
        t.same(scene.ask("ada@tern.example", "adapw"), mux.OK, "others do not wait for one who says nothing")
        s.close()


def cannot_tell(t, box):
    scene = Scene(box, start=False, throttle="no")
    scene.daemon.spawn()
    servers.wait_until(lambda: os.path.exists(scene.path), "the socket", process=scene.daemon.process)
    t.same(scene.ask("ada@tern.example", "adapw"), mux.CANNOT_TELL, "without a cache there is no reply")
    scene.write(text="incomplete\n")
    t.same(scene.ask("ada@tern.example", "adapw"), mux.CANNOT_TELL, "before the first load there is none, either")
    scene.write(ADA)
    servers.wait_until(lambda: scene.ask("ada@tern.example", "adapw") == mux.OK, "the cache to be found")
    t.same(scene.ask("ada@tern.example", "x"), mux.NO, "then there is one, also no")
    t.same(scene.log().count("cannot tell:"), 1, "the log says once that it cannot tell")


# --- changes ------------------------------------------------------------------------------------------------

def changes(t, box):
    """What saslauthd -c gets wrong: the next attempt decides by what the directory says now."""
    scene = Scene(box, [ADA, DOT], throttle="no")
    for login, old, new, make in (("ada@tern.example", "adapw", "newpw", ssha), ("dot@tern.example", "dotpw", "newdot", bcrypt)):
        number = 1 if login.startswith("ada") else 3
        scene.write(ADA, DOT)
        for _ in range(3):
            t.same(scene.ask(login, old), mux.OK, "%s: right" % login)
        scene.write(Account(number, login, make(new)))
        t.same(scene.ask(login, old), mux.NO, "%s: changed, the old one is refused" % login)
        t.same(scene.ask(login, new), mux.OK, "%s: changed, the new one is right" % login)
        scene.write(Account(number, login, make(new), more="suspended"))
        t.same(scene.ask(login, new), mux.NO, "%s: suspended" % login)
        scene.write(Account(number, login, make(new)))
        t.same(scene.ask(login, new), mux.OK, "%s: active again" % login)
        scene.write(Account(9, "other@tern.example", make("x")))
        t.same(scene.ask(login, new), mux.NO, "%s: deleted" % login)
        scene.write(Account(10, login, make("somebody")))
        t.same(scene.ask(login, new), mux.NO, "%s: somebody else's now" % login)
        t.same(scene.ask(login, "somebody"), mux.OK, "%s: who has a password of its own" % login)


def meanwhile(t, box):
    """A change while a costly hash is computed."""
    slow = [Account(1, "ada@tern.example", bcrypt("old", 12))]
    scene = Scene(box, slow, throttle="no")
    for change, want_old, what in (
            ([Account(1, "ada@tern.example", ssha("new"))], mux.NO, "changed"),
            ([Account(1, "ada@tern.example", bcrypt("old", 12), more="suspended")], mux.NO, "suspended"),
            ([Account(2, "bob@tern.example", ssha("x"))], mux.NO, "deleted"),
            ([Account(3, "ada@tern.example", ssha("old"))], mux.OK, "made anew with the same password")):
        scene.write(*slow)
        before = metric(scene, "ispman_saslauth_repeated")
        with scene.connect() as s:
            s.sendall(mux.request("ada@tern.example", "old", "smtp"))
            servers.wait_until(lambda: busy(scene), "the hash to run")
            # However long the change takes, it comes before the hash's end.
            scene.daemon.send(signal.SIGSTOP)
            scene.write(*change)
            scene.daemon.send(signal.SIGCONT)
            t.same(mux.reply(s), want_old, "the account is %s while its hash is computed: %s" % (what, want_old))
        servers.wait_until(lambda: metric(scene, "ispman_saslauth_repeated") > before, "the counter")


def busy(scene):
    """Whether a thread of the daemon computes: its time grows."""
    def spent():
        total = 0
        for task in os.listdir("/proc/%d/task" % scene.daemon.pid):
            if int(task) != scene.daemon.pid:
                with open("/proc/%d/task/%s/stat" % (scene.daemon.pid, task)) as f:
                    fields = f.read().rsplit(")", 1)[1].split()
                total += int(fields[11])
        return total
    before = spent()
    time.sleep(0.03)
    return spent() > before


def metric(scene, name):
    total = 0
    for line in scene.counters().splitlines():
        if line.startswith((name + "_total", name + "{", name + " ")):
            total += float(line.rsplit(" ", 1)[1])
    return total


# --- guessing -----------------------------------------------------------------------------------------------

def throttled(t, box):
    scene = Scene(box, [ADA, DOT, Account(5, "fay@tern.example", ssha("faypw"))], trusted_peers="root %d" % os.getuid())
    t.ok(scene.timed("ada@tern.example", "adapw")[1] < 1, "the right one at once")
    answer, took = scene.timed("ada@tern.example", "guess1")
    t.ok(answer == mux.NO and took < 1, "the first wrong one at once", took)
    answer, took = scene.timed("ada@tern.example", "guess1")
    t.ok(answer == mux.NO and took < 1, "the same wrong one does not count again", took)
    answer, took = scene.timed("ada@tern.example", "guess2")
    t.ok(answer == mux.NO and 1.9 < took < 3.9, "another one waits two seconds", took)
    answer, took = scene.timed("ada@tern.example", "adapw")
    t.ok(answer == mux.OK and took < 1, "who was right lately does not wait", took)
    answer, took = scene.timed("ada@tern.example", "adapw", "imap")
    t.ok(took < 1, "nor elsewhere", took)
    answer, took = scene.timed("fay@tern.example", "faypw")
    t.ok(answer == mux.OK and took < 1, "nor does anybody else", took)
    with scene.connect() as s:
        begin = time.monotonic()
        s.sendall(mux.request("ada@tern.example", "guess3", "smtp"))
        t.ok(scene.timed("fay@tern.example", "faypw")[1] < 1, "while one is held, others are answered")
        t.same(mux.reply(s), mux.NO, "and then it is")
        t.ok(3.9 < time.monotonic() - begin < 6, "four seconds", time.monotonic() - begin)
    scene.configure(throttle_exempt="192.0.2.0/24", throttle_exempt_services="sieve")
    scene.daemon.send(signal.SIGHUP)
    scene.daemon.wait_log("configuration read again")
    for what, more in (("an exempt network", ("smtp", "", "192.0.2.9;1")), ("an exempt service", ("sieve", ""))):
        t.ok(scene.timed("ada@tern.example", "guess5", *more)[1] < 1, what + " never waits")
    # A change of settings forgets what was right: it has to be shown anew.
    t.same(scene.ask("fay@tern.example", "faypw"), mux.OK, "after the reload")


def many_guesses_at_once(t, box):
    scene = Scene(box, [ADA])
    answers = []
    lock = threading.Lock()

    def guess(number):
        answer = scene.timed("ada@tern.example", "guess%d" % number, timeout=60)
        with lock:
            answers.append(answer)

    threads = [threading.Thread(target=guess, args=(i,)) for i in range(40)]
    for thread in threads:
        thread.start()
    begin = time.monotonic()
    answer, took = scene.timed("ada@tern.example", "adapw", timeout=60)
    for thread in threads:
        thread.join()
    t.same(answer, mux.OK, "the owner is let in, after %.1f s" % took)
    t.ok(sum(1 for a, s in answers if s > 14) >= 30, "forty guesses at once are no way round the delay",
         sorted("%.1f" % s for _, s in answers))
    t.ok(time.monotonic() - begin < 25 and all(a == mux.NO for a, _ in answers), "all are answered, and refused")


# --- load ---------------------------------------------------------------------------------------------------

def storm(t, box):
    """Costly hashes and cheap ones."""
    cost = 10
    accounts = [ADA] + [Account(10 + i, "slow%d@tern.example" % i, bcrypt("slowpw", cost)) for i in range(40)]
    scene = Scene(box, accounts, throttle="no", verified_cache_size=0, queue=2000, verbose=False)

    slow_took = []

    def slow(number, turn):
        answer, seconds = scene.timed("slow%d@tern.example" % (turn % 40), "slowpw" if turn % 3 else "wrong%d" % turn)
        slow_took.append(seconds)
        want = mux.OK if turn % 3 else mux.NO
        return None if answer == want else "%r instead of %r" % (answer, want)

    with authstage.Load(slow, threads=16) as load:
        load.wait_more(1)
        took = []
        until = time.monotonic() + 5
        while time.monotonic() < until:
            answer, seconds = scene.timed("ada@tern.example", "adapw")
            if answer != mux.OK:
                t.ok(False, "SSHA during the storm", answer)
            took.append(seconds)
    load.judge(t, "the storm of bcrypt")
    took.sort()
    p50, p99 = took[len(took) // 2], took[len(took) * 99 // 100]
    # In one queue with the others it would take as long as they do. How long that is depends on the machine and what else it does.
    usual = sorted(slow_took)[len(slow_took) // 2]
    t.ok(p99 < usual / 2, "SSHA during a storm of bcrypt-%d, whose median is %.0f ms: %d logins, median %.2f ms, p99 %.2f ms, longest %.2f ms" % (
        cost, 1000 * usual, len(took), 1000 * p50, 1000 * p99, 1000 * took[-1]))


def overload(t, box):
    """A full pool is no reason for no."""
    accounts = [Account(10 + i, "slow%d@tern.example" % i, bcrypt("slowpw", 11)) for i in range(64)]
    scene = Scene(box, accounts, throttle="no", verified_cache_size=0, workers=1, queue=8)
    open_ones = []
    # It finds them all at once, however slowly they are sent.
    scene.daemon.send(signal.SIGSTOP)
    for i in range(64):
        s = scene.connect(60)
        s.sendall(mux.request("slow%d@tern.example" % i, "slowpw", "smtp"))
        open_ones.append(s)
    scene.daemon.send(signal.SIGCONT)
    answers = []
    for s in open_ones:
        answers.append(mux.reply(s))
        s.close()
    t.ok(answers.count(mux.NO) == 0, "nobody is refused")
    # Eight that wait; and one more when the worker took its first before the ninth came, which is for the scheduler to say.
    t.ok(answers.count(mux.OK) >= 8 and answers.count(mux.CANNOT_TELL) >= 20, "some are not answered: %d, and %d are" % (
        answers.count(mux.CANNOT_TELL), answers.count(mux.OK)))
    t.same(scene.ask("slow1@tern.example", "slowpw"), mux.OK, "afterwards all is well")
    # The same password of one account at once is one hash.
    begin = time.monotonic()
    hashes = metric(scene, "ispman_saslauth_checks")
    again = [scene.connect(60) for _ in range(8)]
    for s in again:
        s.sendall(mux.request("slow7@tern.example", "slowpw", "smtp"))
    t.same([mux.reply(s) for s in again], [mux.OK] * 8, "a mail program's eight connections at once")
    tap.say("eight connections took %.2f s (%d)" % (time.monotonic() - begin, hashes))
    for s in again:
        s.close()


def many_connections(t, box):
    count = 3000
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, max(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    scene = Scene(box, [ADA], throttle="no", max_connections=4000)
    connections = []
    for _ in range(count):
        connections.append(scene.connect())
    t.same(scene.ask("ada@tern.example", "adapw"), mux.OK, "beside %d silent connections" % count)
    for s in connections:
        s.sendall(mux.request("ada@tern.example", "adapw", "smtp"))
    answers = []
    for s in connections:
        answers.append(mux.reply(s))
        s.close()
    t.same(answers.count(mux.OK), count, "all are answered")
    with authstage.Load(lambda n, i: None if scene.ask("ada@tern.example", "adapw") == mux.OK else "no") as load:
        load.wait_more(500)
    load.judge(t, "one after another, 8 at once")


def restarts(t, box):
    """The service manager's socket outlives the daemon."""
    scene = Scene(box, [ADA, DOT], inherited=True, throttle="no")

    def ask(number, turn):
        if turn % 2:
            answer = scene.ask("ada@tern.example", "adapw")
            return None if answer == mux.OK else "right: %r" % (answer,)
        answer = scene.ask("dot@tern.example", "dotpw" if turn % 4 else "wrong")
        want = mux.OK if turn % 4 else mux.NO
        return None if answer == want else "%r instead of %r" % (answer, want)

    with authstage.Load(ask) as load:
        for _ in range(5):
            load.wait_more(30)
            t.same(scene.daemon.stop(), 0, "it stops")
            scene.daemon.start()
        load.wait_more(30)
    load.judge(t, "restarted five times under load, every right password was accepted")
    with authstage.Load(ask, threads=4) as load:
        for _ in range(10):
            load.wait_more(10)
            scene.daemon.send(signal.SIGHUP)
        load.wait_more(10)
    load.judge(t, "reloaded ten times under load")


# --- secrets and who asks -----------------------------------------------------------------------------------

def secrets(t, box):
    scene = Scene(box, [ADA, CAS, DOT, EVE, Account(6, "gus@tern.example", "ClearTextPassword")], throttle="no",
                  trusted_peers="root %d" % os.getuid())
    tried = []
    for i, login in enumerate(["ada@tern.example", "cas@tern.example", "dot@tern.example", "eve@tern.example", "gus@tern.example",
                               "nobody@tern.example", "\x01\xff nonsense"]):
        for password in ("Geheim-%d-" % i + "x" * 20, "adapw", "dotpw"):
            tried.append(password)
            scene.ask(login, password, "imap" if i == 3 else "smtp", "", "2001:db8::%x;99" % i)
    scene.ask("ada@tern.example", "Geheim-nul\0x")
    evil = "x> service=<smtp> rip=<192.0.2.66> reason=<password>\nlogin refused: user=<y"
    scene.ask(evil, "Geheim-9", "a> rip=<192.0.2.66", "", "192.0.2.77;1")
    ctl = subprocess.run([servers.built("cache/ispmanctl"), "-c", scene.conf_path, "explain", "account", "ada@tern.example"],
                         capture_output=True, text=True)
    log = scene.log()
    stored = [v for a in scene.accounts for v in a.values] + [v.split("}", 1)[1] for v in (ssha("adapw"), bcrypt("dotpw", 5))]
    for secret in tried + stored + ["Geheim"]:
        if secret in log or secret in ctl.stdout + ctl.stderr:
            t.ok(False, "a secret is shown: " + secret)
    t.ok("SSHA" in ctl.stdout, "explain names the scheme", ctl.stdout + ctl.stderr)
    lines = re.findall(r".*login refused.*", log)
    shape = re.compile(r"^.*login refused: user=<[^<> ]*> service=<[^<> ]*> rip=<[0-9a-f.:-]+> reason=<[a-z-]+>$")
    t.ok(lines and all(shape.match(line) for line in lines), "every refusal is one line of one form",
         [line for line in lines if not shape.match(line)])
    t.ok("rip=<192.0.2.66>" not in log, "what a peer sends cannot pose as an address")
    t.ok("rip=<2001:db8::1>" in log and "rip=<192.0.2.77>" in log, "a trusted peer's address is shown")
    with open("/proc/%d/limits" % scene.daemon.pid) as f:
        t.ok(re.search(r"Max core file size +0 +0", f.read()), "no core dumps")
    if os.geteuid() == 0:
        t.same(os.stat("/proc/%d/status" % scene.daemon.pid).st_uid, 0, "its memory is root's to see")
    t.ok(memory_lacks(scene, b"Geheim-1-xxxx"), "no password stays in memory")
    fail2ban(t, scene)


def memory_lacks(scene, secret):
    """Whether the daemon's memory does not hold SECRET."""
    try:
        maps = open("/proc/%d/maps" % scene.daemon.pid).read()
        memory = open("/proc/%d/mem" % scene.daemon.pid, "rb", 0)
    except PermissionError:
        return True
    for line in maps.splitlines():
        bounds, rights = line.split()[:2]
        if "w" not in rights or "[v" in line:
            continue
        begin, end = (int(x, 16) for x in bounds.split("-"))
        try:
            memory.seek(begin)
            while begin < end:
                piece = memory.read(min(end - begin, 1 << 20))
                if secret in piece:
                    tap.say("found in " + line)
                    return False
                begin += len(piece)
                if not piece:
                    break
        except (OSError, OverflowError, ValueError):
            continue
    return True


def fail2ban(t, scene):
    """The filter's expression, and the program itself where it is installed."""
    lines = [line[line.index("login"):] for line in scene.log().splitlines() if "login refused" in line]
    guesses = [line for line in lines if "rip=<->" not in line and re.search(
        r"reason=<(password|unknown-login|malformed-login|no-password)>", line)]
    conf = os.path.join(os.environ["ISPMAN_SRCDIR"], "docs/fail2ban/ispman-saslauthd.conf")
    with open(conf, encoding="ascii") as f:
        expression = re.search(r"^failregex = (.*)", f.read(), re.M).group(1).replace("<ADDR>", r"(?:\d+\.\d+\.\d+\.\d+|[0-9a-f:.]*:[0-9a-f:.]*)")
    t.same([line for line in lines if re.search(expression, line)], guesses, "the filter for fail2ban finds guesses with an address")
    program = servers.find_tool("fail2ban-regex")
    if program:
        path = scene.box.write("refused.log", "".join("Nov 21 12:00:00 mail ispman-saslauthd[1]: %s\n" % line for line in lines))
        done = subprocess.run([program, path, conf], capture_output=True, text=True)
        counted = re.search(r"Lines: \d+ lines, \d+ ignored, (\d+) matched", done.stdout)
        t.ok(counted and int(counted.group(1)) == len(guesses) > 0, "so does fail2ban", done.stdout)


def who_asks(t, box):
    scene = Scene(box, [ADA], start=False, throttle="no", allow_users="daemon", trusted_peers="daemon")
    scene.daemon.spawn()
    scene.daemon.wait_log("answering")
    t.same(scene.ask("ada@tern.example", "adapw"), mux.CANNOT_TELL, "a user who is not in allow-users gets no answer")
    t.ok("may not ask here" in scene.log() and "user %d" % os.getuid() in scene.log(), "the log says who it was")
    scene.configure(allow_users="daemon %d" % os.getuid())
    scene.daemon.send(signal.SIGHUP)
    scene.daemon.wait_log("configuration read again")
    t.same(scene.ask("ada@tern.example", "adapw"), mux.OK, "one who is gets one")
    scene.ask("ada@tern.example", "wrong", "smtp", "", "192.0.2.1;1")
    t.ok("rip=<->" in scene.log() and "192.0.2.1" not in scene.log(), "only trusted peers are believed what address a client has")


def control(t, box):
    scene = Scene(box, [ADA, CAS, EVE], throttle="no")

    def ctl(*args):
        return subprocess.run([servers.built("cache/ispmanctl"), "-c", scene.conf_path] + list(args), capture_output=True, text=True)

    done = ctl("lookup", "account", "ada@tern.example", "--json")
    answer = json.loads(done.stdout or "{}")
    t.same((done.returncode, answer.get("outcome"), answer.get("passwords")),
           (0, "allowed", [{"scheme": "SSHA", "usable": True, "weak": False}]), "lookup account of an active one")
    done = ctl("lookup", "account", "cas@tern.example")
    t.ok(done.returncode == 1 and "suspended" in done.stdout, "of a suspended one", done.stdout + done.stderr)
    done = ctl("explain", "account", "nobody@tern.example")
    t.same(done.returncode, 1, "of nobody's")
    mode = os.stat(box.path("run", "saslauth-control")).st_mode & 0o777
    t.same(mode, 0o660, "its socket is for the user and a group")
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(box.path("run", "saslauth-control"))
        for line, want in ((b"nonsense\n", b'"error"'), (b"[]\n", b'"error"'), (b'{"command":"explain","login":"\\u0000"}\n', b'"unknown"')):
            s.sendall(line)
            t.ok(want in s.recv(65536), "%r: %r" % (line, want))


def options(t, box):
    scene = Scene(box, [ADA], start=False)
    program = servers.built(PROGRAM)
    t.same(subprocess.run([program, "-c", scene.conf_path, "-t"], capture_output=True).returncode, 0, "-t")
    for value, want in (("listen=inet:127.0.0.1:999", "passwords do not go over a network"), ("workers=0", "workers"),
                        ("trusted-peers=no-such-user", "no-such-user"), ("colour=red", "colour")):
        done = subprocess.run([program, "-c", scene.conf_path, "-t", "-o", "saslauth." + value], capture_output=True, text=True)
        t.ok(done.returncode == 2 and want in done.stderr, value + " is refused", done.stderr)


# --- with a directory ---------------------------------------------------------------------------------------

ADA_DN = "uid=ada_tern_example,ou=users,ispmanDomain=tern.example,o=ispman"


def directory(t, box):
    """What saslauthd -c gets wrong, from LDAP to the answer; then LDAP goes away."""
    stage = authstage.AuthStage(box, authstage.sample(), slapd=True, settings=authstage.UNTHROTTLED)
    tree = stage.directory

    def asks(password, want, what):
        t.same(stage.ask("ada@tern.example", password), want, what)

    asks("adapw", mux.OK, "right")
    asks("wrong", mux.NO, "wrong")
    for stored in (ssha("new"), bcrypt("new", 6)):
        tree.set_value(ADA_DN, "userPassword", stored)
        stage.push()
        asks("adapw", mux.NO, "changed: the old one is refused at the next attempt")
        asks("new", mux.OK, "changed: the new one is right")
        tree.set_value(ADA_DN, "ispmanStatus", "suspended")
        stage.push()
        asks("new", mux.NO, "suspended")
        tree.set_value(ADA_DN, "ispmanStatus", "active")
        stage.push()
        asks("new", mux.OK, "active again")
        tree.set_value(ADA_DN, "userPassword", ssha("adapw"))
        stage.push()
    before = stage.tree.entries[authstage.operation.dn_key(ADA_DN)]
    tree.remove(ADA_DN)
    stage.push()
    asks("adapw", mux.NO, "deleted")
    stage.tree.add(ADA_DN, [(n, ssha("other") if n.lower() == "userpassword" else v) for n, v in before[1]])
    stage.push()
    asks("adapw", mux.NO, "somebody else's now")
    asks("other", mux.OK, "with a password of its own")
    tree.disconnect()
    for what, act in (("hangs", lambda: tree.slapd.send(signal.SIGSTOP)), ("is gone", lambda: tree.slapd.kill()),
                      ("is gone, and ispman-cached too", lambda: stage.cached.kill())):
        act()
        begin = time.monotonic()
        asks("other", mux.OK, "slapd %s: right" % what)
        asks("wrong", mux.NO, "slapd %s: wrong" % what)
        t.ok(time.monotonic() - begin < 2, "slapd %s: as fast as ever" % what)
    t.same(stage.leaks(["adapw", "other", "wrong"] + list(authstage.stored_values(stage.tree))), [], "no log shows a password")


def binds(t, box):
    stage = authstage.AuthStage(box, authstage.sample(), slapd=True, settings={
        "saslauth": {"throttle": "no"}, "login": {"verify": "bind"}, "ldap": {"timeout": "2s"}})
    rows = [("adapw", mux.OK), ("wrong", mux.NO), ("", mux.NO)]
    for password, want in rows:
        t.same(stage.ask("ada@tern.example", password), want, "verify = bind: %r" % password)
    t.same(stage.ask("nobody@tern.example", "x"), mux.NO, "who does not exist is not tried")
    stage.directory.disconnect()
    stage.directory.slapd.send(signal.SIGSTOP)
    begin = time.monotonic()
    t.same(stage.ask("ada@tern.example", "wrong"), mux.CANNOT_TELL, "a server that hangs is no reason to refuse")
    t.ok(time.monotonic() - begin < 8, "nor to wait for ever", time.monotonic() - begin)
    stage.directory.slapd.send(signal.SIGCONT)
    stage.directory.slapd.stop()
    t.same(stage.ask("ada@tern.example", "adapw"), mux.CANNOT_TELL, "nor is one that is gone")
    t.same(stage.leaks(["adapw", "wrong"]), [], "no log shows a password")


def hash_then_bind(t, box):
    tree = authstage.sample()
    stage = authstage.AuthStage(box, tree, slapd=True, settings={
        "saslauth": {"throttle": "no"}, "login": {"verify": "hash-then-bind"}, "ldap": {"timeout": "2s"}})
    stage.directory.set_value(ADA_DN, "userPassword", "{SASL}ada@tern.example")
    stage.push()
    begin = time.monotonic()
    t.same(stage.ask("ada@tern.example", "adapw"), mux.NO, "a stored {SASL} value is not tried by a bind")
    t.ok(time.monotonic() - begin < 1, "and leads into no loop")
    t.ok("leads back here" in stage.saslauthd.log(), "the log says so", stage.saslauthd.log())
    stage.directory.set_value(ADA_DN, "userPassword", "{X-UNKNOWN}adapw")
    stage.push()
    t.same(stage.ask("ada@tern.example", "adapw"), mux.NO, "a bind decides about a scheme that is unknown here")
    t.ok(metric_of(stage, "ispman_saslauth_checks_total{", 'how="bind"') > 0, "and it was made", stage.cached.ctl("metrics").stdout)
    t.same(stage.ask("bob.berg@tern.example", "bobpw"), mux.OK, "what can be checked here is")


def metric_of(stage, name, label):
    out = stage.cached.ctl("metrics").stdout
    return sum(float(line.rsplit(" ", 1)[1]) for line in out.splitlines() if line.startswith(name) and label in line)


TESTS = [replies, octets, cannot_tell, changes, meanwhile, throttled, many_guesses_at_once, storm, overload, many_connections, restarts,
         secrets, who_asks, control, options, directory, binds, hash_then_bind]


def ready():
    if not servers.built(PROGRAM) or not servers.built("tests/lib/write_login"):
        return "ispman-saslauthd is not built"
    return servers.missing("ispmanctl", "cached", "slapd")


if __name__ == "__main__":
    authstage.main("saslauthd", TESTS, (), ready)
