#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""ispman-saslauthd at its socket: what it says, and when it says nothing. The secret environment is written by write_login, but for the
last tests, which follow a real slapd and ask it by binds. Guesses and load: sasl_load.py; what is never shown: sasl_secrets.py."""

import concurrent.futures
import json
import os
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ["ISPMAN_SRCDIR"], "tests", "lib"))
import authstage  # noqa: E402
import mux  # noqa: E402
import saslscene  # noqa: E402
import servers  # noqa: E402
import tcpproxy  # noqa: E402
from authstage import ssha  # noqa: E402
from saslscene import ADA, CAS, DOT, EVE, PROGRAM, Account, Scene, bcrypt, computed, metric  # noqa: E402


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
    slow = [Account(1, "ada@tern.example", bcrypt("old", 10))]
    scene = Scene(box, slow, throttle="no")
    for change, want_old, what in (
            ([Account(1, "ada@tern.example", ssha("new"))], mux.NO, "changed"),
            ([Account(1, "ada@tern.example", slow[0].values[0], more="suspended")], mux.NO, "suspended"),
            ([Account(2, "bob@tern.example", ssha("x"))], mux.NO, "deleted"),
            ([Account(3, "ada@tern.example", ssha("old"))], mux.OK, "made anew with the same password")):
        scene.write(*slow)
        repeated, before = metric(scene, "ispman_saslauth_repeated"), computed(scene)
        with scene.connect() as s:
            s.sendall(mux.request("ada@tern.example", "old", "smtp"))
            servers.wait_until(lambda: computed(scene) > before, "the hash to run", pause=0.002)
            # It does not end before the change is made.
            scene.daemon.send(signal.SIGSTOP)
            scene.write(*change)
            scene.daemon.send(signal.SIGCONT)
            t.same(mux.reply(s), want_old, "the account is %s while its hash is computed: %s" % (what, want_old))
        servers.wait_until(lambda: metric(scene, "ispman_saslauth_repeated") > repeated, "the counter")


# --- who asks -----------------------------------------------------------------------------------------------

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
    for what, act in (("hangs", lambda: saslscene.freeze(tree.slapd)), ("is gone", lambda: tree.slapd.kill()),
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
    saslscene.freeze(stage.directory.slapd)
    begin = time.monotonic()
    t.same(stage.ask("ada@tern.example", "wrong"), mux.CANNOT_TELL, "a server that hangs is no reason to refuse")
    t.ok(time.monotonic() - begin < 8, "nor to wait for ever", time.monotonic() - begin)
    stage.directory.slapd.send(signal.SIGCONT)
    stage.directory.slapd.stop()
    t.same(stage.ask("ada@tern.example", "adapw"), mux.CANNOT_TELL, "nor is one that is gone")
    t.same(stage.leaks(["adapw", "wrong"]), [], "no log shows a password")


def silent(t, box):
    """verify = bind, and a server that takes connections and says nothing: whoever asks is told nothing within the timeout, however many
    they are, and whom no bind decides about is not held up by them."""
    seconds, askers = 2, 12
    stage = authstage.AuthStage(box, authstage.sample(), slapd=True, start=False, settings={
        "saslauth": {"throttle": "no", "bind-workers": "2"}, "login": {"verify": "bind"}, "ldap": {"timeout": "%ds" % seconds}})
    with tcpproxy.Proxy(stage.directory.slapd.port) as proxy:
        stage.cached.settings["ldap"]["uri"] = proxy.uri
        stage.cached.write_conf()
        stage.cached.start()
        stage.start_saslauthd()
        t.same(stage.ask("ada@tern.example", "adapw"), mux.OK, "by way of a proxy")
        proxy.freeze()
        rows = [("ada@tern.example", "adapw"), ("bob.berg@tern.example", "bobpw")]
        rows += [(rows[i % 2][0], "wrong%d" % i) for i in range(2, askers)]
        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(askers) as pool:
            asking = [pool.submit(stage.ask, *row) for row in rows]
            t.same(stage.ask("\1", "x"), mux.NO, "a login that cannot be is refused")
            t.ok(time.monotonic() - begin < seconds / 2, "and does not wait for the others", time.monotonic() - begin)
            t.same([one.result() for one in asking], [mux.CANNOT_TELL] * askers, "%d logins beside two binds at a time: none can be told" % askers)
        took = time.monotonic() - begin
        t.ok(took < seconds + 1.5, "each within the timeout", took)
        proxy.thaw()
        t.same([stage.ask("ada@tern.example", password) for password in ("adapw", "wrong")], [mux.OK, mux.NO], "it speaks again: so do we")


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


TESTS = [replies, octets, cannot_tell, changes, meanwhile, who_asks, control, options, directory, binds, silent, hash_then_bind]


if __name__ == "__main__":
    authstage.main("saslauthd", TESTS, (), saslscene.missing)
