#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""A real Pure-FTPd that asks ispman-ftpauthd: logins, homes, quotas, bandwidth; and that nothing opens the method behind it: no outage, no
restart, no account that is refused. Whoever is let in as a user of that method was not judged by us."""

import os
import re
import shutil
import signal
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

ADA = ("ada@tern.example", "adapw")
SLOW_OCTETS = 102400
ACCOUNTS = ftpstage.ACCOUNTS + """claim slow@tern.example 20 user own address
entry 20 user slow uidnumber=10020 gidnumber=10001 home=%%(home)s/slow upload=%d download=%d
""" % (SLOW_OCTETS, SLOW_OCTETS)
# Of the method behind ours: the same names with other passwords, and one that only it has.
BEHIND = {"ada@tern.example": "behind", "cas@tern.example": "behind", "backdoor": "behind"}
# Who may log in, or not, shows whether that method was asked.
CLOSED = [("backdoor", "behind"), (ADA[0], "behind"), ADA]


def set_up(box, behind=None, options=(), **settings):
    stage = ftpstage.FtpStage(box, accounts=ACCOUNTS, **settings)
    stage.mux.passwords["slow@tern.example"] = "slowpw"
    stage.make_homes()
    os.makedirs(stage.home + "/slow")
    os.chown(stage.home + "/slow", 10020, 10001)
    return stage, pureftpd.PureFtpd(box, stage.path, behind, options).start()


def check_homes(t, box):
    stage, ftp = set_up(box)
    with ftp.session(*ADA) as session:
        t.same(session.pwd(), "/", "an account is shut in its home")
        pureftpd.upload(session, "report.txt", b"x" * 5000)
        done = os.stat(stage.home + "/ada/report.txt")
        t.same((done.st_size, done.st_uid, done.st_gid), (5000, 10006, 10001), "what it uploads is its own")
        session.cwd("..")
        t.same(pureftpd.names(session), [".ftpquota", "report.txt"], "there is nothing above it")
    with ftp.session("jail@tern.example", "jailpw") as session:
        t.same((session.pwd(), session.cwd("/") and pureftpd.names(session)), ("/vhosts/www", ["vhosts"]), "a home with /./ begins in the second part, inside the first")
    for login in ("www.tern.example:8080", "www.tern.example-8080"):
        with ftp.session(login, "apppw") as session:
            pureftpd.upload(session, "index.html", b"hello")
        t.same(os.stat(stage.home + "/tern.example/vhosts/www:8080/index.html").st_uid, 10010, login + " is the vhost on a port")
        os.unlink(stage.home + "/tern.example/vhosts/www:8080/index.html")
    with ftp.session("tern.example", "ternpw") as session:
        t.same(pureftpd.names(session), [".ftpquota", "vhosts"], "a domain has its own")
    t.same(stage.mux.asked[-1], ["tern.example", "ternpw", "ftp", "", "127.0.0.1;0"], "who asked is handed on")
    if shutil.which("curl"):
        done = subprocess.run(["curl", "-sS", "-u", "ada_tern_example:adapw", "ftp://127.0.0.1:%d/report.txt" % ftp.port],
                              capture_output=True)
        t.same((done.returncode, len(done.stdout)), (0, 5000), "curl gets it back")
    else:
        t.skip("curl gets it back", "curl is not installed")


def check_quotas(t, box):
    stage, ftp = set_up(box)
    with ftp.session("bob@tern.example", "bobpw") as session:
        t.same(pureftpd.refusal(pureftpd.upload, session, "small", b"x" * 400000), None, "less than the quota may be uploaded")
        t.same(pureftpd.refusal(pureftpd.upload, session, "big", b"x" * 700000), "552", "more may not")
    with ftp.session("bob@tern.example", "bobpw") as session:
        got = [pureftpd.refusal(pureftpd.upload, session, "f%d" % i, b"x") for i in range(4)]
        t.ok(None in got and "552" in got and got == sorted(got, key=lambda code: code is not None), "nor more files", got)


def check_bandwidth(t, box):
    stage, ftp = set_up(box)
    for name, begin in (("upload", lambda s: pureftpd.upload(s, "f", b"x" * (2 * SLOW_OCTETS))),
                        ("download", lambda s: s.retrbinary("RETR f", lambda octets: None))):
        took = {}
        for login, password in (("slow@tern.example", "slowpw"), ADA):
            with ftp.session(login, password) as session:
                if name == "download" and login == ADA[0]:
                    pureftpd.upload(session, "f", b"x" * (2 * SLOW_OCTETS))
                began = time.monotonic()
                begin(session)
                took[login] = time.monotonic() - began
        t.ok(took["slow@tern.example"] > max(1.5, took[ADA[0]]), "an account's bandwidth: " + name, took)


def check_refusals(t, box):
    stage, ftp = set_up(box, BEHIND)
    t.same(ftp.logs_in("backdoor", "behind"), True, "what nobody here has heard of is asked of the next method")
    rows = [(ADA[0], "x"), ("cas@tern.example", "caspw"), ("wren.example", "wrenpw"), ("root@tern.example", "rootpw"),
            ("relative@tern.example", "relativepw"), (ADA[0], "behind"), ("cas@tern.example", "behind"), ("cyrus", "cyruspw")]
    t.same(in_parallel(ftp, rows), ["530"] * len(rows), "wrong, suspended, without uid or home, unfit for FTP: refused, by the next method too")


def check_no_saslauthd(t, box):
    stage, ftp = set_up(box, BEHIND)
    stage.mux.close()
    t.same(in_parallel(ftp, CLOSED), ["530"] * 3, "without ispman-saslauthd nobody gets in, and nobody to the next method")
    mux = pureftpd.Mux(stage.mux_path, dict(ftpstage.PASSWORDS))
    t.same(in_parallel(ftp, CLOSED), [True, "530", True], "then all is as it was")
    mux.close()


def check_no_reply(t, box):
    stage, ftp = set_up(box, BEHIND)
    stage.mux.answer = lambda *_: False
    t.same(in_parallel(ftp, CLOSED), ["530"] * 3, "while ispman-saslauthd gives no reply nobody gets in, and nobody to the next method")


def check_nonsense(t, box):
    stage, ftp = set_up(box, BEHIND)
    stage.mux.answer = lambda *_: pureftpd.counted("MAYBE")
    t.same(in_parallel(ftp, CLOSED), ["530"] * 3, "when what ispman-saslauthd says makes no sense, neither")


def check_no_cache(t, box):
    stage, ftp = set_up(box, BEHIND)
    stage.write("incomplete\n")
    servers.wait_until(lambda: stage.verdict("backdoor", "x") == "-1", "the cache to be lost")
    t.same(in_parallel(ftp, CLOSED), ["530"] * 3, "while the cache cannot tell, neither")
    stage.write(ACCOUNTS)
    servers.wait_until(lambda: stage.verdict("backdoor", "x") == "0", "the cache to be back")
    t.same(in_parallel(ftp, CLOSED), [True, "530", True], "then all is as it was")


def in_parallel(ftp, rows):
    """A refusal takes Pure-FTPd some seconds."""
    got = [None] * len(rows)

    def login(i, row):
        try:
            got[i] = ftp.logs_in(*row)
        except Exception as e:
            got[i] = repr(e)

    threads = [threading.Thread(target=login, args=(i, row)) for i, row in enumerate(rows)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return got


def check_restarts(t, box):
    """The socket is the service manager's: it is there while the daemon is not."""
    stage, ftp = set_up(box, BEHIND, inherited=True)
    stage.daemon.stop()
    rows = [ADA, ("backdoor", "behind"), (ADA[0], "behind")]
    got = []
    asking = threading.Thread(target=lambda: got.extend(in_parallel(ftp, rows)))
    asking.start()
    servers.wait_until(lambda: waiting(stage.path) >= 3, "logins in the backlog")
    stage.daemon.start()
    asking.join(120)
    t.same(got, [True, True, "530"], "who asks while the daemon is away waits for it")
    wrong, counts, stopping = [], [0] * 4, threading.Event()

    def load(number):
        while not stopping.is_set():
            try:
                result = ftp.logs_in(*ADA)
            except Exception as e:
                result = repr(e)
            counts[number] += 1
            if result is not True:
                wrong.append(result)

    threads = [threading.Thread(target=load, args=(i,)) for i in range(len(counts))]
    for thread in threads:
        thread.start()
    for _ in range(5):
        before = sum(counts)
        servers.wait_until(lambda: sum(counts) > before + 15, "more logins")
        stage.daemon.stop(signal.SIGTERM)
        stage.daemon.start()
    stopping.set()
    for thread in threads:
        thread.join(120)
    t.ok(not wrong, "five restarts under load: %d logins, none refused" % sum(counts), wrong[:5])


def check_config(t, box):
    """What `ispmanctl config pure-ftpd` prints, run in a folder like Debian's, and Pure-FTPd with the options that it names."""
    path = box.path("extauth")
    words = [servers.program("ispmanctl"), "-c", "/dev/null", "-o", "ftpauth.listen=unix:%s,mode=0600" % path]
    text = subprocess.run(words + ["config", "pure-ftpd"], capture_output=True, text=True, check=True).stdout
    etc = box.path("pure-ftpd-etc")
    for name in ("conf", "auth"):
        os.makedirs(os.path.join(etc, name))
    for name, target in (("65unix", "UnixAuthentication"), ("70pam", "PAMAuthentication")):
        os.symlink("../conf/" + target, os.path.join(etc, "auth", name))
    script = text.replace("/etc/pure-ftpd", etc).split("# What it will be started with")[0]
    subprocess.run(["/bin/sh", "-eu", "-c", script], check=True)
    links = {name: os.readlink(os.path.join(etc, "auth", name)) for name in os.listdir(etc + "/auth")}
    values = {name: open(os.path.join(etc, "conf", name)).read().strip() for name in os.listdir(etc + "/conf")}
    t.same((links, values), ({"10ispman": "../conf/ExtAuth"},
                             {"ExtAuth": path, "UnixAuthentication": "no", "PAMAuthentication": "no", "NoAnonymous": "yes", "MinUID": "1000",
                              "ChrootEveryone": "yes"}), "the commands leave one method")
    options = re.search(r"(?m)^#   pure-ftpd (.*)$", text).group(1).split()
    t.same(options, ["-l", "extauth:" + path, "-E", "-u", "1000", "-A"], "the options are the same")
    stage, ftp = set_up(box, None, options[2:])
    with ftp.session(*ADA) as session:
        t.same(session.pwd(), "/", "Pure-FTPd takes them")
    text = subprocess.run(words + ["-o", "ftpauth.chroot=no", "config", "pure-ftpd"], capture_output=True, text=True, check=True).stdout
    t.ok("echo no >conf/ChrootEveryone" in text and " -A" not in text, "chroot = no is left to Pure-FTPd", text)
    stage.daemon.stop()


def waiting(path):
    """Connections to a unix socket that nobody has accepted yet."""
    with open("/proc/net/unix") as f:
        return sum(1 for line in f if line.rstrip().endswith(" " + path) and line.split()[5] == "02")


def main():
    why = ftpstage.missing() or pureftpd.missing()
    if why:
        tap.skip_all(why)
    t = tap.Tap()
    if sys.argv[1:]:
        for check in CHECKS:
            ftpstage.run(t, check)
        sys.exit(t.done())
    # Each by itself, and all at once: they wait for Pure-FTPd, which makes whom it refuses wait.
    running = [subprocess.Popen([sys.executable, os.path.abspath(__file__), check.__name__], stdout=subprocess.PIPE, text=True,
                                preexec_fn=servers._die_with_parent) for check in CHECKS]
    for check, process in zip(CHECKS, running):
        repeat(t, process.communicate()[0])
        t.ok(process.returncode in (0, 1), check.__name__ + " came to its end", process.returncode)
    sys.exit(t.done())


def repeat(t, text):
    """The results in TEXT are ours."""
    for line in text.splitlines():
        result = re.match(r"(not )?ok \d+ - (.*?)( # SKIP (.*))?$", line)
        if result and result.group(3):
            t.skip(result.group(2), result.group(4))
        elif result:
            t.ok(not result.group(1), result.group(2))
        elif line.startswith("#"):
            print(line)


CHECKS = (check_homes, check_quotas, check_bandwidth, check_refusals, check_no_saslauthd, check_no_reply, check_nonsense, check_no_cache,
          check_restarts, check_config)

main()
