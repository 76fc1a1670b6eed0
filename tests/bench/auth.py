#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Logins: ispman-saslauthd and ispman-ftpauthd beside their rivals, same users, same run.

	make bench-auth
	BENCH_ROUNDS=5 BENCH_SECONDS=1 BENCH_USERS=100000 tests/bench/auth.py [--quick] [--json FILE] [PART ...]

Parts: logins, bcrypt, storm, ftp; all unless some are named.

logins  Clients connect, ask and hang up, as libsasl2 does (Dovecot's protocol: ask and ask). "all": every user in turn, {SSHA};
        "hot": few users again and again, which a cache of answers has; "bcrypt": few users with bcrypt of cost 10 whose
        passwords were right before. Rivals: a server with one answer for everything (the ceiling), and the same made of the
        skeleton of our daemons; saslauthd -a ldap (-n 5; bind and custom; with and without -c, which then has all
        of "hot"); Dovecot's auth service (ldap, with its cache).
bcrypt  Users whose password was never seen before, and beside it crypt_rn alone in a thread a processor.
storm   One client with {SSHA} while many ask for users with bcrypt; beside it the constant server while crypt_rn runs
        in a thread a processor.
ftp     Sessions of a real Pure-FTPd (connect, USER, PASS, QUIT): with ispman-ftpauthd, a server that lets everybody in,
        pure-authd with a shell script that reads a small file, and Pure-FTPd's own LDAP mode. Root only.

All rivals run at once and are asked in turn, round after round; a ratio is the median of the ratios of each round. Each must
first answer a sample rightly: right and wrong passwords, users that do not exist. CPU a login is that of the server's
processes, to the nanosecond (with FTP: of Pure-FTPd and whoever it asks, to the tick), slapd's where it is asked.
BENCH_WRONG=10: of "all", so many in a hundred give a wrong password, and our throttle is off.
"pinned": server and client share one processor and take turns, where only work counts; "apart": each has one, and waits for it to
wake up most of the time, as on an idle machine; else as the scheduler likes, which may be either.
"""
import argparse
import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import mux  # noqa: E402
import servers  # noqa: E402
import unpacked  # noqa: E402
from mail import Figures, Verdicts, print_table, tool  # noqa: E402

PARTS = ("logins", "bcrypt", "storm", "ftp")
BCRYPT_EACH = 5
HOT = 500
SAMPLE = 20
WARM = 100
FTP_USERS = 50
MANY = 8
CORES = os.cpu_count()
STORM = max(MANY, 4 * CORES)
PATIENCE = 120
TICK = os.sysconf("SC_CLK_TCK")

CUSTOM_BIND = ("bind", "custom")
SASLAUTHD_CONF = """ldap_servers: %s
ldap_search_base: o=ispman
ldap_filter: (uid=%%u)
ldap_auth_method: %s
"""
DOVECOT_CONF = """base_dir = %(folder)s/run
state_dir = %(folder)s
log_path = %(folder)s/log
ssl = no
protocols =
auth_mechanisms = plain
disable_plaintext_auth = no
auth_cache_size = 100M
auth_cache_ttl = 1h
auth_failure_delay = 0
passdb {
  driver = ldap
  args = %(folder)s/ldap.conf
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=/nonexistent
}
# A wrong password delays all that come from the same address, which is nowhere here.
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  client_limit = 4096
  unix_listener %(path)s {
    mode = 0666
  }
}
"""
DOVECOT_LDAP = """uris = %s
base = o=ispman
pass_attrs = userPassword=password
pass_filter = (uid=%%u)
"""
FTP_LDAP = """LDAPScheme ldap
LDAPServer 127.0.0.1
LDAPPort %d
LDAPBaseDN o=ispman
LDAPFilter (&(objectClass=posixAccount)(uid=\\L))
LDAPHomeDir homeDirectory
LDAPVersion 3
LDAPAuthMethod BIND
"""
# A file an account: password, uid, gid, home.
FTP_SCRIPT = """#!/bin/sh
if read -r password uid gid home <%s/"$AUTHD_ACCOUNT"; then
	if [ "$password" = "$AUTHD_PASSWORD" ]; then
		echo auth_ok:1
		echo "uid:$uid"
		echo "gid:$gid"
		echo "dir:$home"
	else
		echo auth_ok:-1
	fi
else
	echo auth_ok:0
fi 2>/dev/null
echo end
"""


def descendants(pid, name):
    """The processes called NAME below PID."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open("/proc/%s/stat" % entry) as f:
                    head, fields = f.read().rsplit(")", 1)
            except OSError:
                continue
            parents[int(entry)] = int(fields.split()[1]), head.split("(", 1)[1]
    found = []
    for child, (parent, comm) in parents.items():
        while parent in parents and parent != pid:
            parent = parents[parent][0]
        if parent == pid and comm == name:
            found.append(child)
    return found


def ticks(pids):
    """Of these processes and their children that have ended."""
    total = 0
    for pid in pids:
        with open("/proc/%d/stat" % pid) as f:
            total += sum(int(n) for n in f.read().rsplit(")", 1)[1].split()[11:15])
    return total


class Rival:
    """PIDS() are the processes whose CPU counts."""

    def __init__(self, name, protocol, address, pids, server):
        self.name, self.protocol, self.address, self.pids, self.server = name, protocol, address, pids, server


class Setup:
    def __init__(self, stream, many, placement="free"):
        self.stream, self.many, self.placement = stream, many, placement
        self.label = "%s x%d%s" % (stream, many, "" if placement == "free" else " " + placement)


LOGINS = [Setup("all", 1), Setup("all", 1, "apart"), Setup("all", 1, "pinned"), Setup("all", MANY), Setup("hot", 1), Setup("hot", MANY), Setup("bcrypt", 1),
          Setup("bcrypt", 1, "pinned"), Setup("bcrypt", MANY)]
FTP = [Setup("ftp", 1), Setup("ftp", MANY)]


def suits(rival, setup):
    if setup.placement != "free" or setup.stream == "bcrypt":
        return rival.name == "ispman" or (rival.name in ("constant", "skeleton") and setup.stream == "all")
    if rival.name.startswith("saslauthd"):
        return rival.name.endswith(" -c") == (setup.stream == "hot")
    return rival.name == "ispman" or rival.name in ("constant", "skeleton") and setup.stream == "all" or \
        rival.name == "dovecot" and setup.stream == "hot"


# --- logins ------------------------------------------------------------------------------------------


class Users:
    """Files of logins, as auth_load reads them."""

    def __init__(self, box, count, wrong):
        self.box, self.count = box, count
        slow = count // BCRYPT_EACH
        right, bcrypt = self.kind("ssha", count - slow), self.kind("bcrypt", slow)
        wrong_ones = self.kind("wrong", len(right))
        # Who is in a sample with a wrong password has to wait afterwards, and is asked for nowhere else.
        every, aside = right[:-2 * SAMPLE], right[-2 * SAMPLE:-SAMPLE]
        for n, line in enumerate(wrong_ones[:len(every)]):
            if n % 100 < wrong:
                every[n] = line
        self.lines = {"all": every, "hot": right[:HOT], "bcrypt": bcrypt[:WARM], "cold": bcrypt[WARM:], "ftp": right[:FTP_USERS],
                      "sample": aside + bcrypt[-3:] + wrong_ones[-SAMPLE:-1] + self.kind("unknown", SAMPLE),
                      # A failure takes Pure-FTPd seconds.
                      "ftp-sample": right[:3] + wrong_ones[-1:] + self.kind("unknown", 1)}
        self.paths = {name: box.write("logins-" + name, "".join(line + "\n" for line in lines)) for name, lines in self.lines.items()}
        self.cold_used = 0
        self.begun_at = {}

    def kind(self, name, count):
        done = subprocess.run([tool("makelogins"), "logins", str(self.count), str(BCRYPT_EACH), name, str(count)],
                              capture_output=True, text=True, check=True)
        return done.stdout.splitlines()


def make_tree(box, users):
    path = box.path("logins.ldif")
    with open(path, "w") as f:
        subprocess.run([tool("makelogins"), "tree", str(users), str(BCRYPT_EACH), box.path("homes")], stdout=f, check=True)
    os.chmod(path, 0o640)
    return path


class Load:
    """A run of auth_load, in the background."""

    def __init__(self, users, rival, stream, many, seconds, start=0, placement="free", pids=()):
        where = processors(placement, min)
        self.name = rival.name
        self.process = subprocess.Popen([tool("auth_load"), rival.protocol, rival.address, users.paths[stream], str(start), str(many),
                                         str(seconds)] + [str(pid) for pid in pids], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, preexec_fn=lambda: os.sched_setaffinity(0, where))

    def figures(self):
        try:
            out, error = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise SystemExit("%s: no answer" % self.name)
        if self.process.returncode:
            raise SystemExit("%s: %s" % (self.name, error))
        found = json.loads(out)
        if found["wrong"] or found["none"]:
            raise SystemExit("%s answers wrongly, or not: %s" % (self.name, out))
        return found


def processors(placement, choose):
    everywhere = os.sched_getaffinity(0)
    return everywhere if placement == "free" else {choose(everywhere)}


def place(pids, placement):
    where = processors(placement, max if placement == "apart" else min)
    for pid in pids:
        for task in os.listdir("/proc/%d/task" % pid):
            os.sched_setaffinity(int(task), where)


# --- what runs ---------------------------------------------------------------------------------------


class Stand:
    def __init__(self, box, args):
        self.box, self.args = box, args
        self.users = Users(box, args.users, args.wrong)
        self.logins, self.ftp, self.left_out = [], [], {}
        self.run_dir = box.path("sockets")
        os.makedirs(self.run_dir)
        self.cached = self.ispman = self.constant = None

    def leave_out(self, name, why):
        self.left_out[name] = why
        print("# %s is left out: %s" % (name, why), flush=True)

    def socket(self, *name):
        path = os.path.join(self.run_dir, *name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def wait_for(self, path, server):
        servers.wait_until(lambda: os.path.exists(path), server.name, process=server.process)

    def start_slapd(self):
        slapd = self.box.slapd(ldif=make_tree(self.box, self.args.users), start=False, sessionlog=10000,
                               extra_database="index uid pres,eq\nindex ispmanDomain eq")
        self.ldapi = "ldapi://" + os.path.join(self.run_dir, "ldapi").replace("/", "%2F")
        slapd.command[slapd.command.index("-h") + 1] = slapd.uri + " " + self.ldapi
        self.slapd = slapd.start()

    def add(self, name, server, path, protocol="mux", pids=None):
        rival = Rival(name, protocol, path, pids or (lambda: [server.pid]), server)
        self.logins.append(rival)
        return rival

    def start_constant(self):
        path = self.socket("constant")
        server = self.box.run("constant", [tool("constant_login"), "mux", path, "OK"])
        self.wait_for(path, server)
        self.constant = self.add("constant", server, path)
        path = self.socket("skeleton")
        server = self.box.run("skeleton", [tool("skeleton_login"), path])
        self.wait_for(path, server)
        self.add("skeleton", server, path)

    def start_ispman(self):
        program = servers.built("saslauth/ispman-saslauthd")
        if program is None:
            self.leave_out("ispman", "ispman-saslauthd is not built")
            return
        settings = {"throttle": "no"} if self.args.wrong else {}
        self.cached = self.box.cached(slapd=self.slapd, settings={"saslauth": settings}, start=False)
        self.cached.start(wait=False)
        self.cached.wait(600)
        path = self.socket("ispman")
        server = self.box.run("saslauthd", [program, "-c", self.cached.conf_path, "-o", "saslauth.listen=unix:%s,mode=0666" % path])
        self.ispman = self.add("ispman", server, path)
        self.wait_for_ispman()

    def wait_for_ispman(self):
        name, password, _ = self.users.lines["sample"][0].split("\t")

        def answers():
            try:
                return mux.ask_as_libsasl(self.ispman.address, name, password) == mux.OK
            except OSError:
                return False

        servers.wait_until(answers, "ispman-saslauthd", process=self.ispman.server.process)

    def restart_ispman(self):
        self.ispman.server.stop()
        self.ispman.server.spawn()
        self.wait_for_ispman()

    def run_namespace(self, name, command, env):
        """A name space ends with its first process, which only obeys KILL."""
        server = self.box.run(name, command, env)
        server.stop = lambda: servers.Server.stop(server, signal.SIGKILL)
        return server

    def start_saslauthd(self):
        program = unpacked.find("/usr/sbin/saslauthd")
        if program is None or not os.path.exists("/usr/bin/unshare"):
            self.leave_out("saslauthd", "sasl2-bin is not installed")
            return
        for method in CUSTOM_BIND:
            conf = self.box.write("saslauthd-%s.conf" % method, SASLAUTHD_CONF % (self.ldapi, method))
            for options in ([], ["-c", "-s", "16384"]):
                name = "saslauthd %s%s" % (method, " -c" if options else "")
                path = self.socket(name.replace(" ", ""), "mux")
                # In the foreground it would log each login: a name space of processes is what it cannot leave.
                namespace = ["unshare", "--pid", "--fork", "--kill-child"] + ([] if os.getuid() == 0 else ["--user", "--map-root-user"])
                server = self.run_namespace(name.replace(" ", ""), namespace + [
                    "sh", "-c", '"$@" && exec sleep infinity', "-", program, "-a", "ldap", "-O", conf, "-m", os.path.dirname(path),
                    "-n", "5", "-r"] + options, env=unpacked.environment(program))
                self.wait_for(path, server)
                # The first one ends when it has started the others.
                servers.wait_until(lambda: descendants(server.pid, "sleep") and len(descendants(server.pid, "saslauthd")) == 5,
                                   "five processes of saslauthd")
                pids = descendants(server.pid, "saslauthd") + [self.slapd.pid]
                self.add(name, server, path, pids=lambda pids=pids: pids)

    def start_dovecot(self):
        program = servers.find_tool("dovecot")
        if program is None or not os.path.exists("/usr/lib/dovecot/modules/auth/libauthdb_ldap.so"):
            self.leave_out("dovecot", "dovecot-core or dovecot-ldap is not installed")
            return
        if os.getuid() != 0:
            self.leave_out("dovecot", "it starts as root only")
            return
        folder, path = self.box.path("dovecot"), self.socket("dovecot")
        os.makedirs(folder)
        self.box.write("dovecot/ldap.conf", DOVECOT_LDAP % self.ldapi)
        conf = self.box.write("dovecot/conf", DOVECOT_CONF % {"folder": folder, "path": path})
        server = self.box.run("dovecot", [program, "-F", "-c", conf])
        self.wait_for(path, server)
        rival = self.add("dovecot", server, path, "dovecot", pids=lambda: [])
        # The first question starts it.
        Load(self.users, rival, "hot", 1, 0).figures()
        pids = descendants(server.pid, "auth") + [self.slapd.pid]
        rival.pids = lambda: pids

    # --- FTP ------------------------------------------------------------------------------------------

    def ftp_accounts(self):
        """[(login, password, uid, gid, home)], and their homes are there."""
        found = []
        for line in self.users.lines["ftp"]:
            login, password, _ = line.split("\t")
            name, domain = login.split("@")
            uid, gid = 2000000 + int(name[4:]), 10000 + int(domain[4:].split(".")[0])
            home = self.box.path("homes", domain, name)
            os.makedirs(home)
            os.chown(home, uid, gid)
            found.append((login, password, uid, gid, home))
        return found

    def add_ftp(self, name, authentication, pids, program="/usr/sbin/pure-ftpd"):
        program = unpacked.find(program) or unpacked_here(self.box, "pure-ftpd-ldap", program)
        port = servers.free_port()
        server = self.box.run("ftpd-" + name.replace(" ", "-"), [
            program, "-S", "127.0.0.1,%d" % port, "-l", authentication, "-E", "-H", "-A", "-c", "200", "-C", "200", "-u", "1",
            "-g", self.box.path("ftpd-%s.pid" % name)], env=unpacked.environment(program))
        rival = Rival(name, "ftp", "127.0.0.1:%d" % port, lambda: [server.pid] + pids, server)
        servers.wait_until(lambda: port_answers(port), "Pure-FTPd", process=server.process)
        self.ftp.append(rival)

    def start_ftp(self):
        if os.getuid() != 0:
            self.leave_out("ftp", "Pure-FTPd starts as root only")
            return
        if unpacked.find("/usr/sbin/pure-ftpd") is None:
            self.leave_out("ftp", "pure-ftpd is not installed")
            return
        accounts = self.ftp_accounts()
        path, (_, _, uid, gid, home) = self.socket("constant-extauth"), accounts[0]
        server = self.box.run("constant-extauth", [tool("constant_login"), "extauth", path,
                                                   r"auth_ok:1\nuid:%d\ngid:%d\ndir:%s\nend\n" % (uid, gid, home)])
        self.wait_for(path, server)
        self.add_ftp("constant", "extauth:" + path, [server.pid])
        self.start_ftpauthd()
        os.makedirs(self.box.path("accounts"))
        for login, password, uid, gid, home in accounts:
            self.box.write("accounts/" + login, "%s %d %d %s\n" % (password, uid, gid, home))
        script, path = self.box.write("accounts.sh", FTP_SCRIPT % self.box.path("accounts")), self.socket("pure-authd")
        os.chmod(script, 0o755)
        program = unpacked.find("/usr/sbin/pure-authd")
        server = self.box.run("pure-authd", [program, "-s", path, "-r", script, "-p", self.box.path("pure-authd.pid")],
                              env=unpacked.environment(program))
        self.wait_for(path, server)
        self.add_ftp("pure-authd", "extauth:" + path, [server.pid])
        self.add_ftp("ldap", "ldap:" + self.box.write("ftp-ldap.conf", FTP_LDAP % self.slapd.port), [self.slapd.pid],
                     "/usr/sbin/pure-ftpd-ldap")

    def start_ftpauthd(self):
        program = servers.built("ftpauth/ispman-ftpauthd")
        if program is None or self.ispman is None:
            self.leave_out("ftp: ispman", "ispman-ftpauthd is not built")
            return
        path = self.socket("ftpauth")
        server = self.box.run("ftpauthd", [program, "-c", self.cached.conf_path, "-o", "ftpauth.listen=unix:" + path,
                                           "-o", "ftpauth.saslauth-socket=" + self.ispman.address])
        self.wait_for(path, server)
        self.add_ftp("ispman", "extauth:" + path, [server.pid, self.ispman.server.pid])

    # --- before figures ---------------------------------------------------------------------------------

    def verify(self):
        """A rival with wrong answers has no figures."""
        for rivals, sample in ((self.logins, "sample"), (self.ftp, "ftp-sample")):
            for rival in rivals:
                if rival.name not in ("constant", "skeleton"):
                    Load(self.users, rival, sample, MANY, 0).figures()

    def warm(self):
        for rival in self.logins:
            for stream in ("hot", "bcrypt"):
                if suits(rival, Setup(stream, MANY)):
                    Load(self.users, rival, stream, MANY, 0).figures()


def port_answers(port):
    import socket
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as s:
            s.settimeout(5)
            return s.recv(4).startswith(b"220")
    except OSError:
        return False


def unpacked_here(box, package, path):
    """Unpacked for this run: it cannot be installed beside another one of its kind."""
    folder = box.path("unpacked")
    if not os.path.exists(folder + "/root" + path):
        done = subprocess.run(["bash", os.path.join(servers.SRCDIR, "tests/unpack_packages.sh"), folder, package],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode or not os.path.exists(folder + "/root" + path):
            raise SystemExit("%s cannot be unpacked: %s" % (package, done.stderr))
    return folder + "/root" + path


# --- measuring ---------------------------------------------------------------------------------------


def measure_setup(stand, rivals, setup, turn, figures, ask):
    suited = [rival for rival in rivals if suits(rival, setup) or setup.stream == "ftp"]
    # Every round begins with another rival.
    for n in range(len(suited)):
        rival = suited[(n + turn) % len(suited)]
        figures.setdefault((rival.name, setup.label), []).append(ask(stand, rival, setup))


def ask_login(stand, rival, setup):
    pids = rival.pids()
    place(pids, setup.placement)
    begin = stand.users.begun_at.get((rival.name, setup.stream), 0)
    found = Load(stand.users, rival, setup.stream, setup.many, stand.args.seconds, begin, setup.placement, pids).figures()
    stand.users.begun_at[rival.name, setup.stream] = begin + found["used"]
    place(pids, "free")
    return found


def ask_ftp(stand, rival, setup):
    before = ticks(rival.pids())
    found = Load(stand.users, rival, "ftp", setup.many, stand.args.ftp_seconds).figures()
    found["server_cpu"] = (ticks(rival.pids()) - before) / TICK * 1e6 / found["used"]
    return found


def cold_logins(stand, many, seconds):
    """A load of users that were never seen."""
    left = len(stand.users.lines["cold"]) - stand.users.cold_used
    if left < 2 * CORES * 40 * seconds:
        stand.restart_ispman()
        stand.users.cold_used = 0
    return Load(stand.users, stand.ispman, "cold", many, seconds, start=stand.users.cold_used, pids=stand.ispman.pids())


def finish_cold(stand, load):
    found = load.figures()
    stand.users.cold_used += found["used"]
    return found


def measure_bcrypt(stand, figures, turn):
    seconds = stand.args.bcrypt_seconds
    hash_alone = Rival("crypt_rn", "crypt", "-", lambda: [], None)
    measured = {}
    for name in (("crypt_rn", "ispman") if turn % 2 == 0 else ("ispman", "crypt_rn")):
        if name == "ispman":
            measured[name] = finish_cold(stand, cold_logins(stand, STORM, seconds))
        else:
            measured[name] = Load(stand.users, hash_alone, "cold", CORES, seconds).figures()
        figures.setdefault((name, "bcrypt cold"), []).append(measured[name])


def measure_storm(stand, figures):
    """One client with {SSHA} meanwhile."""
    seconds = stand.args.seconds
    hash_alone = Rival("crypt_rn", "crypt", "-", lambda: [], None)
    for name in ("ispman", "constant"):
        rival = stand.ispman if name == "ispman" else stand.constant
        if name == "ispman":
            storm = cold_logins(stand, STORM, 1.5 * seconds + 0.5)
        else:
            storm = Load(stand.users, hash_alone, "cold", CORES, 1.5 * seconds + 0.5)
        time.sleep(0.3)  # until it blows
        figures.setdefault((name, "storm"), []).append(Load(stand.users, rival, "all", 1, seconds, pids=rival.pids()).figures())
        if name == "ispman":
            finish_cold(stand, storm)
        else:
            storm.figures()


def measure(stand):
    figures, parts = {}, stand.args.parts
    for turn in range(stand.args.rounds):
        if "logins" in parts:
            stand.warm()
            for setup in LOGINS:
                measure_setup(stand, stand.logins, setup, turn, figures, ask_login)
        if "bcrypt" in parts and stand.ispman is not None:
            measure_bcrypt(stand, figures, turn)
        if "storm" in parts and stand.ispman is not None:
            measure_storm(stand, figures)
        if "ftp" in parts:
            for setup in FTP:
                measure_setup(stand, stand.ftp, setup, turn, figures, ask_ftp)
        print("# round %d of %d" % (turn + 1, stand.args.rounds), flush=True)
    return Figures(figures)


# --- what came out -----------------------------------------------------------------------------------


def report(stand, figures):
    def beside(rival, label):
        rate = figures.median(rival, label, "rate")
        if not figures.has(("constant", label)):
            return "%.0f" % rate
        return "%.0f x%.2f" % (rate, figures.ratio(rival, "constant", label))

    for rivals, all_setups in ((stand.logins, LOGINS), (stand.ftp, FTP)):
        labels = [setup.label for setup in all_setups if any(figures.has((rival.name, setup.label)) for rival in rivals)]
        if not labels:
            continue
        print_table("Logins a second (median), and the median ratio to the constant server in the same round", figures, rivals, labels, beside)
        print_table("CPU microseconds a login (median), the server's + the client's", figures, rivals, labels,
                    lambda rival, label: "%.2f + %.2f" % (figures.median(rival, label, "server_cpu"), figures.median(rival, label, "client_cpu")))
        print_table("Latency in microseconds: p50 / p99", figures, rivals, labels,
                    lambda rival, label: "%.1f / %.1f" % (figures.median(rival, label, "p50"), figures.median(rival, label, "p99")))
    print()
    if figures.has(("ispman", "bcrypt cold")):
        for name in ("ispman", "crypt_rn"):
            print("bcrypt of cost 10, never seen before: %s %.2f a second" % (name, figures.median(name, "bcrypt cold", "rate")))
    if figures.has(("ispman", "storm")):
        for name, what in (("ispman", "ispman-saslauthd checks %d users with bcrypt" % STORM),
                           ("constant", "crypt_rn runs beside the constant server")):
            print("SSHA while %s: p50 %.2f ms, p99 %.2f ms, worst p99 of a round %.2f ms" % (
                what, figures.median(name, "storm", "p50") / 1e3, figures.median(name, "storm", "p99") / 1e3,
                max(row["p99"] for row in figures.all[name, "storm"]) / 1e3))


def ratio_of(figures, mine, theirs):
    """Median over the rounds of the rate of MINE to that of THEIRS, each (rival, label)."""
    rates = sorted(a["rate"] / b["rate"] for a, b in zip(figures.all[mine], figures.all[theirs]))
    return (rates[(len(rates) - 1) // 2] + rates[len(rates) // 2]) / 2


def judge(verdicts, figures):
    def row(what, mine, theirs, wanted, percent=True):
        if figures.has(mine, theirs):
            value = ratio_of(figures, mine, theirs)
            verdicts.add(what, 100 * value if percent else value, wanted, True, " %" if percent else "")

    print()
    many = " x%d" % MANY
    row("SSHA, 1 client, beside the constant server", ("ispman", "all x1"), ("constant", "all x1"), 90)
    row("the same where each has a processor", ("ispman", "all x1 apart"), ("constant", "all x1 apart"), 90)
    row("the same where both share a processor", ("ispman", "all x1 pinned"), ("constant", "all x1 pinned"), 90)
    for method in CUSTOM_BIND:
        for stream in ("hot", "all"):
            row("SSHA, %d clients (%s), times the hits of saslauthd %s -c" % (MANY, stream, method), ("ispman", stream + many),
                ("saslauthd %s -c" % method, "hot" + many), 1.2, False)
    row("bcrypt-10 cold, beside crypt_rn in %d threads" % CORES, ("ispman", "bcrypt cold"), ("crypt_rn", "bcrypt cold"), 95)
    row("bcrypt-10 warm, 1 client, beside SSHA", ("ispman", "bcrypt x1"), ("ispman", "hot x1"), 95)
    row("bcrypt-10 warm, %d clients, beside SSHA" % MANY, ("ispman", "bcrypt" + many), ("ispman", "hot" + many), 95)
    if figures.has(("ispman", "storm")):
        verdicts.add("SSHA during a storm of bcrypt, p99", figures.median("ispman", "storm", "p99") / 1e3, 10, False, " ms")
    for setup in FTP:
        row("FTP sessions, %s, beside a constant extauth server" % setup.label[4:], ("ispman", setup.label), ("constant", setup.label), 95)


def arguments():
    parser = argparse.ArgumentParser(description="ispman-saslauthd and ispman-ftpauthd beside their rivals")
    parser.add_argument("--quick", action="store_true", help="5,000 users, two short rounds: does it work")
    parser.add_argument("--json", metavar="FILE", help="the figures, for programs")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    args = parser.parse_args()

    def setting(name, usual, quick):
        return os.environ.get(name) or (quick if args.quick else usual)

    args.parts = args.parts or list(PARTS)
    if set(args.parts) - set(PARTS):
        parser.error("parts are " + ", ".join(PARTS))
    args.users = int(setting("BENCH_USERS", "100000", "5000"))
    args.rounds = int(setting("BENCH_ROUNDS", "5", "2"))
    args.seconds = float(setting("BENCH_SECONDS", "1", "0.3"))
    args.bcrypt_seconds = 3 * args.seconds
    args.ftp_seconds = 1.5 * args.seconds
    args.wrong = int(os.environ.get("BENCH_WRONG") or 0)
    return args


def main():
    args = arguments()
    missing = servers.missing("slapd", "ldapsearch", "cached", "ispmanctl")
    if missing:
        raise SystemExit("missing: %s" % missing)
    started, verdicts = time.time(), Verdicts()
    with servers.Sandbox("bench-auth") as box:
        stand = Stand(box, args)
        print("# %d users, one of %d with bcrypt; %d rounds of %g s" % (args.users, BCRYPT_EACH, args.rounds, args.seconds), flush=True)
        stand.start_slapd()
        stand.start_constant()
        stand.start_ispman()
        if "logins" in args.parts:
            stand.start_saslauthd()
            stand.start_dovecot()
        if "ftp" in args.parts:
            stand.start_ftp()
        stand.verify()
        print("# all have answered a sample rightly (%.0f s)" % (time.time() - started), flush=True)
        figures = measure(stand)
        report(stand, figures)
        judge(verdicts, figures)
    if args.json:
        result = {"settings": {name: getattr(args, name) for name in ("users", "rounds", "seconds", "wrong", "parts")},
                  "figures": [{"rival": rival, "setup": label, "rounds": rows} for (rival, label), rows in figures.all.items()],
                  "left_out": stand.left_out, "verdicts": verdicts.rows}
        with open(args.json, "w") as f:
            json.dump(result, f, indent=1)
    print("# took %.0f s" % (time.time() - started))


if __name__ == "__main__":
    main()
