#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""ispman-ftpauthd and its peers: who asks it, and whom it asks about passwords; slow, hostile and silent ones, restarts. In every doubt a
reply that refuses, and never a connection that ends without one: that would open Pure-FTPd's next method."""

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import ftpstage  # noqa: E402
import pureftpd  # noqa: E402
import servers   # noqa: E402
import tap       # noqa: E402
from pureftpd import counted, uuid_of  # noqa: E402

REFUSED = {"auth_ok": "-1"}
UNKNOWN = {"auth_ok": "0"}
ADA = ("ada@tern.example", "adapw")


def accepted(stage, uid, home, gid=10001, **limits):
    reply = {"auth_ok": "1", "uid": str(uid), "gid": str(gid), "dir": "%s/%s" % (stage.home, home)}
    reply.update({key: str(value) for key, value in limits.items()})
    return reply


# --- what is asked -----------------------------------------------------------------------------------------


def check_accounts(t, box):
    stage = ftpstage.FtpStage(box)
    ada = accepted(stage, 10006, "ada/./", user_quota_size=10485760)
    rows = [
        ("ada@tern.example", "adapw", ada), ("Ada@TERN.example", "adapw", REFUSED), ("ada_tern_example", "adapw", ada),
        ("ada@tern.example", "bobpw", REFUSED), ("ada@tern.example", "adapw ", REFUSED), ("ada@tern.example", "", REFUSED),
        ("bob@tern.example", "bobpw", accepted(
            stage, 10007, "bob/./", user_quota_size=1048576, user_quota_files=3, throttling_bandwidth_ul=204800,
            throttling_bandwidth_dl=102400, ratio_upload=1, ratio_download=5)),
        ("tern.example", "ternpw", accepted(stage, 10001, "tern.example/./", user_quota_size=26214400)),
        ("www.tern.example", "wwwpw", accepted(stage, 10009, "tern.example/vhosts/www/./")),
        ("www.tern.example:8080", "apppw", accepted(stage, 10010, "tern.example/vhosts/www:8080/./")),
        ("www.tern.example-8080", "apppw", accepted(stage, 10010, "tern.example/vhosts/www:8080/./")),
        ("jail@tern.example", "jailpw", accepted(stage, 10015, "tern.example/./vhosts/www")),
        # Whatever is said of the password.
        ("cas@tern.example", "caspw", REFUSED), ("wren.example", "wrenpw", REFUSED), ("root@tern.example", "rootpw", REFUSED),
        ("group@tern.example", "grouppw", REFUSED), ("homeless@tern.example", "homelesspw", REFUSED),
        ("relative@tern.example", "relativepw", REFUSED), ("up@tern.example", "uppw", REFUSED),
        # Ours, but not for FTP; ours, but whose?
        ("cyrus", "cyruspw", REFUSED), ("cyrus", "x", REFUSED), ("twice@tern.example", "twicepw", REFUSED),
        ("twice@tern.example", "x", REFUSED),
        # Not ours.
        ("root", "x", UNKNOWN), ("nobody@tern.example", "x", UNKNOWN), ("ada", "adapw", UNKNOWN), ("@", "x", UNKNOWN),
        ("x" * 1000, "x", UNKNOWN), ("x" * 1025, "x", REFUSED), ("", "x", REFUSED),
    ]
    got = [(login, password, stage.ask(login, password)) for login, password, _ in rows]
    for (login, password, reply), (_, _, want) in zip(got, rows):
        t.same(reply, want, "%s with %r" % (login[:30], password))
    log = stage.daemon.log()
    # One or the other may be silent for a minute: what peers can provoke is said seldom.
    t.ok(sum(("login \"%s@tern.example\" from 127.0.0.1: the password is right, but the account " % name) in log
             for name in ("cas", "root", "group", "homeless", "relative", "up")) >= 2, "what is wrong with an account is in the log", log)
    t.same([word for word in set(ftpstage.PASSWORDS.values()) if word in log], [], "passwords are not")
    stage.ask("ada@tern.example", "adapw", peer="198.51.100.7")
    stage.ask("www.tern.example-8080", "a:b", peer="2001:db8::1")
    t.same(stage.mux.asked[-2:], [["ada@tern.example", "adapw", "ftp", "", "198.51.100.7;0"],
                                  ["www.tern.example-8080", "a:b", "ftp", "", "2001:db8::1;0"]],
           "five strings are asked, with the client's address")
    t.same(metric(stage, "replies", "accepted"), 9, "replies are counted")
    t.same(stage.daemon.stop(), 0, "it stops")


def check_rules(t, box):
    stage = ftpstage.FtpStage(box, chroot="no", roots=box.path("home") + "/tern.example")
    t.same(stage.ask("www.tern.example", "wwwpw"), accepted(stage, 10009, "tern.example/vhosts/www"), "chroot = no leaves homes as they are")
    t.same([stage.verdict(*ADA), stage.verdict("tern.example", "ternpw"), stage.verdict("jail@tern.example", "jailpw")],
           ["-1"] * 3, "homes outside roots are refused, roots themselves too, and a jail that is one")
    stage.daemon.stop()


def check_requests(t, box):
    stage = ftpstage.FtpStage(box)
    whole = pureftpd.request(account=ADA[0], password=ADA[1])
    with pureftpd.connect(stage.path) as s:
        for i in range(len(whole)):
            s.sendall(whole[i:i + 1])
        t.same(pureftpd.parse(pureftpd.read_to_end(s))["auth_ok"], "1", "a request may come octet by octet")
    with pureftpd.connect(stage.path) as s:
        s.sendall(whole)
        s.shutdown(socket.SHUT_WR)
        t.same(pureftpd.parse(pureftpd.read_to_end(s))["auth_ok"], "1", "who says that it has no more to say gets its answer")
    nonsense = [b"end\n", b"account:ada@tern.example\nend\n", whole + b"more", whole + whole, b"account:root\n" + whole,
                whole.replace(b"ada@", b"ad\0a@"), b"password:x\n" + whole, b"peer:1\n" + whole, b"GET / HTTP/1.0\r\n\r\nend\n",
                b"x" * 4097, b"x" * 20000, b"account:" + b"x" * 4090 + b"\nend\n", b"\n" * 5000, b"\0" * 8192]
    t.same([ask_octets(stage, octets) for octets in nonsense], [REFUSED] * len(nonsense), "nonsense is refused, with a reply")
    with pureftpd.connect(stage.path) as s:
        s.sendall(whole[:30])
        s.shutdown(socket.SHUT_WR)
        t.same(pureftpd.parse(pureftpd.read_to_end(s)), REFUSED, "half a request is refused, with a reply")
    with pureftpd.connect(stage.path) as s:
        s.sendall(whole[:30])
        began = time.monotonic()
        t.same(pureftpd.parse(pureftpd.read_to_end(s)), REFUSED, "also when the rest does not come")
        t.ok(5 < time.monotonic() - began < 40, "which takes ten seconds")
    with pureftpd.connect(stage.path) as s:
        s.sendall(whole)
    t.same(stage.verdict(*ADA), "1", "who goes before the answer leaves nothing behind")
    servers.wait_until(lambda: len(stage.mux.asked) >= 4, "his question too")
    stage.daemon.stop()


def ask_octets(stage, octets):
    """A peer may find that nobody reads its octets any more; its reply is there."""
    with pureftpd.connect(stage.path) as s:
        try:
            s.sendall(octets)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            return pureftpd.parse(pureftpd.read_to_end(s))
        except ConnectionResetError:
            return "reset"


# --- whom it asks ------------------------------------------------------------------------------------------


def check_answers(t, box):
    said = {"ok": counted("OK"), "ok-text": counted("OK fine"), "ok-mine": counted("OK " + uuid_of(1)), "no": counted("NO"),
            "no-text": counted("NO not today"),
            "close": False, "empty": b"", "half": b"\0\2O", "short": b"\0\1O", "zero": b"\0\0", "other": counted("MAYBE"),
            "lower": counted("ok"), "long": b"\xff\xff" + b"OK" * 40000, "http": b"HTTP/1.0 400 Bad Request\r\n",
            "ok-other": counted("OK " + uuid_of(2)), "ok-and-more": counted("OK") + counted("NO")}
    accepts = {"ok", "ok-text", "ok-mine", "ok-and-more"}
    stage = ftpstage.FtpStage(box, answer=lambda login, password, strings: said[password])
    got = {word: stage.verdict("ada@tern.example", word) for word in said}
    t.same(got, {word: "1" if word in accepts else "-1" for word in said}, "only OK accepts, and only for its own account")
    got = {word: stage.verdict("nobody@tern.example", word) for word in said}
    # OK for what the cache does not have: its account is not there yet.
    t.same(got, {word: "0" if word in ("no", "no-text") else "-1" for word in said}, "and only NO makes an unknown login unknown")
    log = stage.daemon.log()
    t.ok("ispman-saslauthd cannot tell, logins are refused: " in log and "logins can be judged again" in log,
         "that there is no telling is logged, and that it is over", log)
    t.ok(log.count("cannot tell, logins are refused") < 5, "seldom")
    stage.daemon.stop()


def check_silence(t, box):
    """Nobody there; somebody who says nothing; too many who wait."""
    release = threading.Event()
    stage = ftpstage.FtpStage(box, answer=lambda *_: release.wait(30) and None, timeout="1s")
    began = time.monotonic()
    t.same(stage.ask(*ADA), REFUSED, "an answer that does not come is a refusal")
    took = time.monotonic() - began
    t.ok(0.9 < took < 10, "after the time that it has", "%.2f s" % took)
    release.set()
    t.same(stage.verdict(*ADA), "1", "the next one is judged again")
    stage.mux.close()
    began = time.monotonic()
    t.same([stage.ask(*ADA), stage.ask("root", "x")], [REFUSED] * 2, "nobody there: known and unknown logins are refused")
    t.ok(time.monotonic() - began < 20, "soon")
    # It comes back while somebody asks.
    answers = []
    with pureftpd.connect(stage.path) as s:
        s.sendall(pureftpd.request(account=ADA[0], password=ADA[1]))
        again = pureftpd.Mux(stage.mux_path, ftpstage.PASSWORDS)
        answers.append(pureftpd.parse(pureftpd.read_to_end(s))["auth_ok"])
    t.same(answers, ["1"], "who asks while it restarts is not refused")
    again.close()
    # A socket with a backlog of one, that nobody accepts from.
    deaf = socket.socket(socket.AF_UNIX)
    deaf.bind(stage.mux_path)
    deaf.listen(0)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(stage.verdict(*ADA))) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    t.same(answers, ["-1"] * 10, "a full backlog is a refusal, in the end")
    deaf.close()
    os.unlink(stage.mux_path)
    last = pureftpd.Mux(stage.mux_path, ftpstage.PASSWORDS)
    t.same(stage.verdict(*ADA), "1", "and the next one is judged again")
    last.close()
    stage.daemon.stop()


# --- logins that change hands ------------------------------------------------------------------------------

NEW_OWNER = ftpstage.ACCOUNTS.replace("claim ada@tern.example 1 user", "claim ada@tern.example 2 user")
GONE = ftpstage.ACCOUNTS.replace("claim ada@tern.example 1 user own address\n", "")


def check_change(t, box):
    """The account changes while its password is looked at."""
    stage = ftpstage.FtpStage(box)
    turns = []

    def plan(*steps):
        """What happens at each question: (accounts to write or None, what is said)."""
        left = list(steps)
        turns[:] = []

        def answer(login, password, strings):
            turns.append(login)
            accounts, said = left.pop(0) if left else (None, counted("OK"))
            if accounts:
                stage.write(accounts)
            return said
        stage.write(ftpstage.ACCOUNTS)
        stage.mux.answer = answer

    ok = counted("OK")
    rows = [
        ("nothing changes", [(None, ok)], ("1", "10006"), 1),
        ("another one has it by now: asked again, and the new one's home", [(NEW_OWNER, ok), (None, ok)], ("1", "10007"), 2),
        ("it changes twice", [(NEW_OWNER, ok), (ftpstage.ACCOUNTS, ok)], ("-1", None), 2),
        ("it is gone", [(GONE, ok), (None, counted("NO"))], ("0", None), 2),
        ("it is gone, and the password still right", [(GONE, ok), (None, ok)], ("-1", None), 2),
        ("the password is of who has it now, the account not there yet",
         [(None, counted("OK " + uuid_of(2))), (NEW_OWNER, counted("OK " + uuid_of(2)))], ("1", "10007"), 2),
        ("the account never gets there", [(None, counted("OK " + uuid_of(2)))] * 2, ("-1", None), 2),
        ("the password was of who had it", [(NEW_OWNER, counted("OK " + uuid_of(1))), (None, counted("NO"))], ("-1", None), 2),
        ("the password is of who has it now, and so is the account", [(NEW_OWNER, counted("OK " + uuid_of(2)))], ("1", "10007"), 1),
    ]
    for name, steps, want, count in rows:
        plan(*steps)
        reply = stage.ask(*ADA)
        t.same(((reply["auth_ok"], reply.get("uid")), len(turns)), (want, count), name)
    plan((ftpstage.ACCOUNTS, counted("NO")), (None, ok))
    stage.write(GONE)
    t.same((stage.ask(*ADA)["auth_ok"], len(turns)), ("1", 2), "an account that comes while its login is unknown is asked for again")
    stage.daemon.stop()


def check_cache(t, box):
    stage = ftpstage.FtpStage(box, accounts="incomplete\n" + ftpstage.ACCOUNTS)
    began = time.monotonic()
    t.same([stage.ask(*ADA), stage.ask("root", "x")], [REFUSED] * 2, "a cache that was never loaded cannot tell")
    t.ok(time.monotonic() - began > 3.8, "each is held for a while")
    t.same(stage.mux.asked, [], "and nobody is asked about the password then")
    stage.write(ftpstage.ACCOUNTS)
    t.same(stage.verdict(*ADA), "1", "until it can")
    stage.write("incomplete\n")
    servers.wait_until(lambda: stage.verdict(*ADA) == "-1", "the cache to be lost")
    t.same(stage.ask("root", "x"), REFUSED, "nor one that is lost: unknown logins are refused too")
    stage.daemon.stop()


# --- life --------------------------------------------------------------------------------------------------


def check_life(t, box):
    stage = ftpstage.FtpStage(box)
    program = servers.built("ftpauth/ispman-ftpauthd")
    t.same(os.stat(stage.path).st_mode & 0o777, 0o600, "the socket has its mode")
    stage.daemon.stop()
    t.same(os.path.exists(stage.path), False, "and goes with the daemon")
    conf = box.write("life.conf", "[ispman]\ncache-dir = %s\nrun-dir = %s\n[ftpauth]\nlisten = unix:%s\nsaslauth-socket = %s\n" % (
        stage.cache, stage.run_dir, stage.path, stage.mux_path))
    d = box.run("life", [program, "-c", conf])
    d.wait_log("answering")
    with open(conf, "a") as f:
        f.write("chroot = no\nlisten = unix:%s2\n" % stage.path)
    d.send(signal.SIGHUP)
    d.wait_log("configuration read again")
    t.same([pureftpd.ask(stage.path + more, account=ADA[0], password=ADA[1])["dir"] for more in ("", "2")],
           [stage.home + "/ada"] * 2, "HUP takes other rules, and opens what is new")
    with open(conf, "a") as f:
        f.write("timeout = never\n")
    d.send(signal.SIGHUP)
    d.wait_log("stays what it was")
    t.same(stage.verdict(*ADA), "1", "what cannot be done changes nothing")
    d.stop()
    for more, want in (("listen=inet:127.0.0.1:4711", "unix:PATH"), ("roots=var", "an absolute path"), ("nonsense=1", "nonsense"),
                       ("listen=unix:%s/none/s" % box.folder, "none: there is none"), ("user=nosuchuser", "nosuchuser")):
        done = subprocess.run([program, "-t", "-c", "/dev/null", "-o", "ftpauth." + more],
                              capture_output=True, text=True)
        t.ok(done.returncode == 2 and want in done.stderr, "-t says what is wrong with " + more.split("=")[0], done.stderr)


def check_stop(t, box):
    """Who is being judged when the daemon stops gets his answer."""
    release = threading.Event()
    stage = ftpstage.FtpStage(box, answer=lambda *_: release.wait(30) and None)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(stage.verdict(*ADA))) for _ in range(5)]
    for thread in threads:
        thread.start()
    servers.wait_until(lambda: len(stage.mux.asked) == 5, "five questions")
    stage.daemon.send(signal.SIGTERM)
    stage.daemon.process.poll()
    release.set()
    for thread in threads:
        thread.join(30)
    t.same((answers, stage.daemon.stop()), (["1"] * 5, 0), "a stop waits for what was asked")
    release.clear()
    stage.daemon.start()
    with pureftpd.connect(stage.path) as s:
        s.sendall(pureftpd.request(account=ADA[0], password=ADA[1]))
        servers.wait_until(lambda: len(stage.mux.asked) == 6, "a question")
        stage.daemon.send(signal.SIGTERM)
        t.same(pureftpd.parse(pureftpd.read_to_end(s)), REFUSED, "but not for ever: then it is a refusal")
    t.same(stage.daemon.stop(), 0, "it stops")


def check_restarts(t, box):
    """Restarted again and again under load, with a socket that stays: nobody is refused, nobody gets no reply."""
    stage = ftpstage.FtpStage(box, inherited=True)
    wrong, counts, stopping = [], [0] * 4, threading.Event()

    def load(number):
        while not stopping.is_set():
            right = counts[number] % 2 == 0
            try:
                got = stage.verdict(ADA[0], ADA[1] if right else "x")
            except OSError as e:
                got = repr(e)
            counts[number] += 1
            if got != ("1" if right else "-1"):
                wrong.append(got)

    threads = [threading.Thread(target=load, args=(i,)) for i in range(len(counts))]
    for thread in threads:
        thread.start()
    for _ in range(10):
        before = sum(counts)
        servers.wait_until(lambda: sum(counts) > before + 50, "more answers")
        t_status = stage.daemon.stop()
        if t_status != 0:
            wrong.append("exit status %s" % t_status)
        stage.daemon.start()
    stopping.set()
    for thread in threads:
        thread.join(60)
    t.ok(not wrong, "ten restarts under load: %d answers, all of them right" % sum(counts), wrong[:5])
    stage.daemon.stop()


def check_many(t, box):
    stage = ftpstage.FtpStage(box, max_connections=20)
    wrong = []

    def login():
        got = stage.verdict(*ADA)
        if got != "1":
            wrong.append(got)

    threads = [threading.Thread(target=login) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    t.same(wrong, [], "more logins at a time than max-connections wait, and are judged")
    stage.daemon.stop()


def metric(stage, name, result):
    """A counter of the daemon: the file's values are summed over its shards."""
    folder = os.path.join(stage.run_dir, "metrics/account")
    total = 0
    for file in os.listdir(folder):
        with open(os.path.join(folder, file), "rb") as f:
            octets = f.read()
        header, row, rows, shards, stride, at = struct.unpack_from("=6I", octets, 8)
        for i in range(rows):
            text = octets[header + i * row:header + (i + 1) * row]
            if b"ftpauth_" + name.encode() + b"\0" in text and b'"' + result.encode() + b'"' in text:
                total += sum(struct.unpack_from("=Q", octets, at + s * stride + 8 * i)[0] for s in range(shards))
    return total


def main():
    why = ftpstage.missing()
    if why:
        tap.skip_all(why)
    t = tap.Tap()
    for check in (check_accounts, check_rules, check_requests, check_answers, check_silence, check_change, check_cache, check_life,
                  check_stop, check_restarts, check_many):
        ftpstage.run(t, check)
    sys.exit(t.done())


main()
