# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""ispman-saslauthd by itself: the secret environment is written by write_login, and is what a test says it is.

    scene = Scene(box, [ADA], throttle="no")
    scene.ask("ada@tern.example", "adapw")        # "OK", "NO", or None: no reply
"""

import crypt
import os
import re
import signal
import socket
import subprocess
import time

import authstage
import mux
import servers
from authstage import ssha

PROGRAM = "saslauth/ispman-saslauthd"


def bcrypt(password, cost=5):
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


def computed(scene):
    """What the daemon's threads have computed so far, in clock ticks."""
    total = 0
    for task in os.listdir("/proc/%d/task" % scene.daemon.pid):
        if int(task) != scene.daemon.pid:
            with open("/proc/%d/task/%s/stat" % (scene.daemon.pid, task)) as f:
                total += int(f.read().rsplit(")", 1)[1].split()[11])
    return total


def freeze(server):
    """It says nothing any more: all of its threads have stopped."""
    def states():
        for task in os.listdir("/proc/%d/task" % server.pid):
            with open("/proc/%d/task/%s/stat" % (server.pid, task)) as f:
                yield f.read().rsplit(")", 1)[1].split()[0]
    server.send(signal.SIGSTOP)
    servers.wait_until(lambda: set(states()) == {"T"}, "it to stop", pause=0.002)


def metric(scene, name):
    total = 0
    for line in scene.counters().splitlines():
        if line.startswith((name + "_total", name + "{", name + " ")):
            total += float(line.rsplit(" ", 1)[1])
    return total


def missing():
    for program in (PROGRAM, "tests/lib/write_login"):
        if not servers.built(program):
            return program + " is not built"
    return servers.missing("cached", "ispmanctl", "slapd")
