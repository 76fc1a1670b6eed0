#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Lookups of Postfix's maps: ispman-socketmapd beside its rivals, same data, same run.

	make bench-mail
	BENCH_ROUNDS=7 BENCH_SECONDS=1 BENCH_USERS=100000 tests/bench/mail.py [--quick] [--json FILE] [RIVAL ...]
	tests/bench/mail.py --scale        CPU a lookup, from BENCH_SIZES=1000,30000,1000000 users
	tests/bench/mail.py --change       only the time from slapd to the socket

Rivals: ispman-socketmapd; a socketmap server with one answer for everything (the ceiling); Postfix's ldap: (ldapi, indexed, the
filter that ISPMan ships), proxy:ldap:, lmdb: and proxy:lmdb: (root only). Clients: Postfix's own "postmap -q -", one and 64
processes; and mail_load, 1 and 64 connections that do nothing but ask.

Postfix sends a socketmap the whole address and a table the address, then less and less of it. A lookup is an address here:
for tables all questions that Postfix asks about it. "hit": addresses as they are stored; "mix": odd case, extensions,
catch-alls, replicas and unknown ones in equal parts; "deep": an extension in a domain with a catch-all, three questions to a table;
"message": all that Postfix 3.7 with the configuration of `ispmanctl config postfix` asks about a message from outside to one of the
addresses of "mix", in its order.

All rivals run at once and are asked in turn, round after round; a ratio is the median of the ratios of each round.
mail_load runs as the scheduler likes ("free") and together with the server on one processor ("pinned"): there the two take turns, which
is what CPU time is compared by when there is one connection, since the wake-up of an idle processor costs ten times a lookup.
CPU is that of the server's processes (proxymap and slapd for proxy:ldap:), to the nanosecond. Addresses a second of CPU are what to
look at on a machine that does other things as well.
"""
import argparse
import fcntl
import json
import os
import re
import select
import socket
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import servers  # noqa: E402
import postfix  # noqa: E402

MIX = ("case", "ext", "catch-all", "replica", "unknown")
STREAMS = ("hit", "mix", "deep")
LOADS = ("hit", "mix", "message")
KEYS = 100000
MANY = 64
F_SETPIPE_SZ = 1031  # Linux; Python has no name for it before 3.10
SOCKETMAPS = ("constant", "socketmapd")
WRONG_SHOWN = 5

ATTRIBUTES = "mailRoutingAddress, mailForwardingAddress"
LDAP_TABLE = """server_host = %s
search_base = o=ispman
version = 3
bind = no
query_filter = (|(mailLocalAddress=%%s)(mailAlias=%%s))
result_attribute = %s
"""


def tool(name):
    return os.path.join(servers.BUILDDIR, "tests/bench", name)


def cpu(pids):
    """Seconds of CPU of all threads that these processes have or had."""
    total = 0.0
    for pid in pids:
        try:
            total += time.clock_gettime((~pid << 3) | 2)
        except OSError:
            pass
    return total


def children(pid, name):
    """The processes called NAME that PID started."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % entry) as f:
                head, fields = f.read().rsplit(")", 1)
        except OSError:
            continue
        if int(fields.split()[1]) == pid and head.split("(", 1)[1] == name:
            found.append(int(entry))
    return found


# --- the questions -----------------------------------------------------------------------------------


def make_tree(box, users):
    path = box.path("mail-%d.ldif" % users)
    with open(path, "w") as f:
        done = subprocess.run([tool("makemail"), "tree", str(users)], stdout=f, stderr=subprocess.PIPE, text=True, check=True)
    os.chmod(path, 0o640)
    return path, done.stderr.strip()


def keys_of(users, kind, count):
    """[(key, what the alias map answers)]"""
    done = subprocess.run([tool("makemail"), "keys", str(users), kind, str(count)], capture_output=True, text=True, check=True)
    return [tuple(line.split("\t")) for line in done.stdout.splitlines()]


def stream(users, name, count):
    if name == "mix":
        columns = [keys_of(users, kind, count // len(MIX)) for kind in MIX]
        return [pair for row in zip(*columns) for pair in row]
    return keys_of(users, name, count)


def table_questions(table, address):
    """What Postfix asks a table about ADDRESS, until it is answered (mail_addr_find)."""
    local, domain = address.lower().rsplit("@", 1)
    asked = [address]
    tried = ["%s@%s" % (local, domain)]
    if "+" in local:
        tried.append("%s@%s" % (local.split("+")[0], domain))
        asked.append("%s@%s" % (address.rsplit("@", 1)[0].split("+")[0], address.rsplit("@", 1)[1]))
    tried.append("@" + domain)
    asked.append("@" + address.rsplit("@", 1)[1])
    for n, key in enumerate(tried):
        if key in table:
            return asked[:n + 1]
    return asked


def questions_of_message(number, recipient):
    """Smtpd and trivial-rewrite, cleanup, and qmgr, as seen on the socket."""
    sender_domain = "away%d.example" % (number % 5000)
    sender = "someone%d@%s" % (number, sender_domain)
    folded = recipient.lower()
    domain = folded.rsplit("@", 1)[1]
    return ["domains " + sender_domain, "relay-domains " + sender_domain, "transport " + sender, "relocated " + sender,
            "domains " + domain, "transport " + recipient, "relocated " + recipient, "virtual " + folded,
            "virtual " + recipient, "virtual " + folded, "virtual " + recipient,
            "domains " + domain, "transport " + folded, "relocated " + folded]


def write_load(box, users, name, count):
    """What mail_load asks."""
    path = box.path("load-%s-%d" % (name, users))
    if not os.path.exists(path):
        keys = [key for key, _ in stream(users, "mix" if name == "message" else name, count)]
        if name == "message":
            lines = [line for n, key in enumerate(keys) for line in questions_of_message(n, key)]
        else:
            lines = ["virtual " + key for key in keys]
        box.write(os.path.basename(path), "".join(line + "\n" for line in lines))
    return path


class Questions:
    """Files of keys for servers that get whole addresses, and for tables."""

    def __init__(self, box, users, with_table):
        self.box, self.users = box, users
        self.pairs = {name: stream(users, name, min(KEYS, 20 * users)) for name in STREAMS}
        self.whole = {name: [key for key, _ in pairs] for name, pairs in self.pairs.items()}
        self.series, self.table_path, self.cooked = {}, None, {}
        if with_table:
            self.table_path = box.path("virtual")
            with open(self.table_path, "w") as f:
                subprocess.run([tool("makemail"), "virtual", str(users)], stdout=f, check=True)
            with open(self.table_path) as f:
                self.table = dict(line.rstrip("\n").split(" ", 1) for line in f)
            self.series = {name: [table_questions(self.table, key) for key in keys] for name, keys in self.whole.items()}

    def load_file(self, name):
        return write_load(self.box, self.users, name, KEYS)

    def octets(self, name, is_table):
        """(questions as postmap reads them, of how many addresses, how many questions)"""
        key = name, is_table
        if key not in self.cooked:
            lines = [q for asked in self.series[name] for q in asked] if is_table else self.whole[name]
            self.cooked[key] = "".join(q + "\n" for q in lines).encode(), len(self.whole[name]), len(lines)
        return self.cooked[key]


# --- rivals ------------------------------------------------------------------------------------------


class Rival:
    """MAP is what Postfix calls it. PIDS() are the processes whose CPU counts."""

    def __init__(self, name, table, pids, is_table=True, socket=None):
        self.name, self.map, self.pids, self.is_table, self.socket = name, table, pids, is_table, socket


class Stand:
    """Everything that runs."""

    def __init__(self, box, users, wanted, with_tables=True):
        self.box, self.users, self.wanted = box, users, wanted
        self.questions = Questions(box, users, with_tables)
        self.rivals, self.left_out = [], {}
        self.slapd = self.mta = None
        self.run_dir = box.path("sockets")
        os.makedirs(self.run_dir)

    def wants(self, name):
        return not self.wanted or name in self.wanted or name == "constant"

    def leave_out(self, name, why):
        self.left_out[name] = why
        print("# %s is left out: %s" % (name, why), flush=True)

    def start_slapd(self, ldif):
        slapd = self.box.slapd(ldif=ldif, start=False, sessionlog=10000, extra_global="database monitor\n",
                               extra_database="index uid,mail,mailLocalAddress,mailAlias pres,eq\nindex ispmanDomain eq")
        self.ldapi = "ldapi://" + os.path.join(self.run_dir, "ldapi").replace("/", "%2F")
        slapd.command[slapd.command.index("-h") + 1] = slapd.uri + " " + self.ldapi
        self.slapd = slapd.start()

    def start_constant(self):
        path = os.path.join(self.run_dir, "constant")
        # As long as most answers.
        server = self.box.run("constant", [tool("constant_socketmap"), path, "anna.keller@firm100.example"])
        servers.wait_until(lambda: os.path.exists(path), "the constant server", process=server.process)
        self.rivals.append(Rival("constant", "socketmap:unix:%s:virtual" % path, lambda: [server.pid], False, path))

    def start_ours(self, cached):
        rival = start_socketmapd(self.box, cached, self.run_dir)
        if rival is None:
            self.leave_out("socketmapd", "ispman-socketmapd is not built")
        else:
            self.rivals.append(rival)

    def start_tables(self):
        ldap = self.box.write("virtual.cf", LDAP_TABLE % (self.ldapi, ATTRIBUTES))
        lmdb = self.questions.table_path
        os.chmod(ldap, 0o644)
        tables = {"ldap": "ldap:" + ldap, "lmdb": "lmdb:" + lmdb}
        why = postfix.missing()
        self.mta = postfix.Postfix(self.box, main="proxy_read_maps = %s\nlmdb_map_size = 1073741824\n" % " ".join("proxy:" + table for table in tables.values()))
        self.postmap("lmdb:" + lmdb)
        if self.wants("ldap"):
            self.rivals.append(Rival("ldap", tables["ldap"], lambda: [self.slapd.pid]))
        if self.wants("lmdb"):
            self.rivals.append(Rival("lmdb", tables["lmdb"], lambda: []))
        for kind in ("ldap", "lmdb"):
            name = "proxy:" + kind
            if not self.wants(name):
                continue
            if why:
                self.leave_out(name, why)
                continue
            if not self.mta.running():
                self.mta.start()
            self.rivals.append(Rival(name, "proxy:" + tables[kind], self.proxymap_pids(kind == "ldap")))

    def proxymap_pids(self, with_slapd):
        def pids():
            return children(self.mta.pid, "proxymap") + ([self.slapd.pid] if with_slapd else [])
        return pids

    def postmap(self, *args, keys=None):
        """Its output, lines."""
        done = subprocess.run([postfix.SBIN + "/postmap", "-c", self.mta.etc] + list(args), env=self.postmap_environment(),
                              input=keys, capture_output=True, text=True)
        if done.stderr:
            raise SystemExit("postmap %s: %s" % (" ".join(args), done.stderr))
        return done.stdout.splitlines()

    def postmap_environment(self):
        return dict(os.environ, **self.mta.environ)

    def verify(self):
        """A rival with wrong answers has no figures."""
        sample = [pair for name in STREAMS + ("alias", "group")
                  for pair in (self.questions.pairs.get(name) or keys_of(self.users, name, 100))[:250]]
        for rival in self.rivals:
            if rival.name == "constant":
                continue
            asked = {key for address, _ in sample for key in self.all_questions(rival, address)}
            lines = self.postmap("-q", "-", rival.map, keys="".join(key + "\n" for key in sorted(asked)))
            answers = dict(line.split("\t", 1) for line in lines)
            wrong = ["%s: %r is wanted, got %r" % (key, want, got) for key, want, got in (
                (key, want, self.answer(rival, answers, key)) for key, want in sample) if addresses(want) != addresses(got)]
            if wrong:
                raise SystemExit("%s answers wrongly (%d times):\n%s" % (rival.name, len(wrong), "\n".join(wrong[:WRONG_SHOWN])))

    def all_questions(self, rival, address):
        """Also those about what a replica's address stands for."""
        if not rival.is_table:
            return [address]
        asked = table_questions(self.questions.table, address)
        found = self.questions.table.get(asked[-1].lower(), "")
        if found.startswith("@"):
            asked = asked + self.all_questions(rival, address.rsplit("@", 1)[0] + found)
        return asked

    def answer(self, rival, answers, address):
        """What the alias map says about ADDRESS by these ANSWERS to the questions about it."""
        if not rival.is_table:
            return answers.get(address, "")
        last = table_questions(self.questions.table, address)[-1]
        found = answers.get(last, "")
        local, domain = address.rsplit("@", 1)
        if found.startswith("@"):  # Postfix keeps the local part and asks again.
            return self.answer(rival, answers, local + found)
        if "+" in local and not last.startswith("@"):
            extension = "+" + local.split("+", 1)[1]
            return ",".join(to.replace("@", extension + "@") if to.endswith("@" + domain) else to for to in found.split(","))
        return found


def addresses(text):
    """In any order: several values of an LDAP attribute have none."""
    return sorted(text.replace(" ", "").split(","))


def start_socketmapd(box, cached, run_dir, name="socketmapd"):
    program = servers.built("postfix_map/ispman-socketmapd")
    if program is None:
        return None
    path = os.path.join(run_dir, name)
    server = box.run(name, [program, "-c", cached.conf_path, "-o", "socketmap.listen=unix:" + path])
    servers.wait_until(lambda: os.path.exists(path), "ispman-socketmapd", process=server.process)
    return Rival(name, "socketmap:unix:%s:virtual" % path, lambda: [server.pid], False, path)


# --- clients -----------------------------------------------------------------------------------------


class Setup:
    """A client, how many of it, and what it asks."""

    def __init__(self, client, many, stream_name, placement="free"):
        self.client, self.many, self.stream, self.placement = client, many, stream_name, placement
        self.label = "%s x%d %s%s" % (client, many, stream_name, " pinned" if placement == "pinned" else "")


def setups():
    return ([Setup("postmap", 1, name) for name in STREAMS] + [Setup("postmap", MANY, name) for name in ("hit", "mix")] +
            [Setup("load", many, name, placement) for placement in ("free", "pinned") for many in (1, MANY)
             for name in LOADS])


def suits(rival, setup):
    # proxymap would be 64 processes, started while we measure.
    if setup.client == "load":
        return rival.socket is not None
    return setup.many == 1 or not rival.name.startswith("proxy:")


def waits_for_keys(pid):
    """It has started, and reads its standard input."""
    with open("/proc/%d/syscall" % pid) as f:
        return f.read().startswith(("0 0x0 ", "63 0x0 "))  # read(0) on x86-64 and on arm64


class Feeder:
    """One postmap, and what of ITS stream it has been given. Each begins elsewhere in the stream."""

    def __init__(self, stand, rival, octets, start, pipe_size):
        self.process = subprocess.Popen([postfix.SBIN + "/postmap", "-c", stand.mta.etc, "-q", "-", rival.map],
                                        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        env=stand.postmap_environment())
        self.pipe = self.process.stdin.fileno()
        os.set_blocking(self.pipe, False)
        fcntl.fcntl(self.pipe, F_SETPIPE_SZ, pipe_size)
        self.octets, self.given = octets, 0
        self.at = octets.find(b"\n", start) + 1

    def feed(self):
        if self.at == len(self.octets):
            self.at = 0
        try:
            n = os.write(self.pipe, memoryview(self.octets)[self.at:self.at + 65536])
        except BlockingIOError:
            n = 0
        self.at += n
        self.given += n

    def finish(self):
        """The rest of the line, and the end."""
        end = self.octets.find(b"\n", self.at - 1) + 1 if self.at else 0
        os.set_blocking(self.pipe, True)
        self.given += os.write(self.pipe, self.octets[self.at:end])
        self.process.stdin.close()

    def wait(self):
        """Its CPU, all in all."""
        said = self.process.stderr.read()
        self.process.stderr.close()
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        if said:
            raise SystemExit("postmap: " + said.decode("utf-8", "replace"))
        return usage.ru_utime + usage.ru_stime


class Postmap:
    """Processes that stand ready, are given keys for a while, and end when they have asked for all of them."""

    def __init__(self, stand, seconds):
        self.stand, self.seconds = stand, seconds

    def __call__(self, rival, setup):
        octets, addresses_in, questions = self.stand.questions.octets(setup.stream, rival.is_table)
        # What is in the pipes is asked after the time is up: little, where an answer takes long.
        pipe_size = 4096 if rival.is_table else 65536
        feeders = [Feeder(self.stand, rival, octets, n * len(octets) // setup.many, pipe_size) for n in range(setup.many)]
        for feeder in feeders:
            servers.wait_until(lambda: waits_for_keys(feeder.process.pid), "postmap", process=feeder.process, pause=0.001)
        ready = select.poll()
        by_pipe = {feeder.pipe: feeder for feeder in feeders}
        for pipe in by_pipe:
            ready.register(pipe, select.POLLOUT)
        server, client = cpu(rival.pids()), -cpu([feeder.process.pid for feeder in feeders])
        began = time.monotonic()
        while time.monotonic() < began + self.seconds:
            for pipe, _ in ready.poll(100):
                by_pipe[pipe].feed()
        for feeder in feeders:
            feeder.finish()
        for feeder in feeders:
            client += feeder.wait()
        took, server = time.monotonic() - began, cpu(rival.pids()) - server
        asked = sum(feeder.given for feeder in feeders) * addresses_in / len(octets)
        return {"rate": asked / took, "server_cpu": server / asked * 1e6, "client_cpu": client / asked * 1e6,
                "questions": questions / addresses_in}


class Load:
    def __init__(self, stand, seconds):
        self.stand, self.seconds = stand, seconds

    def __call__(self, rival, setup):
        is_pinned = setup.placement == "pinned"
        everywhere = os.sched_getaffinity(0)
        where = {min(everywhere)} if is_pinned else everywhere
        for pid in rival.pids():
            for task in os.listdir("/proc/%d/task" % pid):
                os.sched_setaffinity(int(task), where)

        def place():
            os.sched_setaffinity(0, where)
            # An answer does not interrupt the server: each does all that it can before the other's turn. Else a server would be charged
            # for a switch of processes an answer when it is slower than mail_load, and a faster one would not.
            if is_pinned or setup.many > 1:
                os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))

        done = subprocess.run([tool("mail_load"), rival.socket, self.stand.questions.load_file(setup.stream), str(setup.many),
                               str(self.seconds)] + [str(pid) for pid in rival.pids()], capture_output=True, text=True,
                              preexec_fn=place)
        if done.returncode:
            raise SystemExit("%s: %s" % (rival.name, done.stderr))
        figures = json.loads(done.stdout)
        if figures["temp"] or figures["other"]:
            raise SystemExit("%s: an answer was TEMP or PERM: %s" % (rival.name, done.stdout))
        figures["questions"] = 1.0
        return figures


def warm(load, rival):
    """Every page is touched once."""
    for name in LOADS:
        load(rival, Setup("load", MANY, name))


def measure(stand, rounds, seconds):
    """{(rival, setup): [figures of each round]}"""
    clients = {"postmap": Postmap(stand, seconds), "load": Load(stand, seconds)}
    figures = {}
    for rival in stand.rivals:
        if rival.socket is not None:
            warm(clients["load"], rival)
    for turn in range(rounds):
        for setup in setups():
            suited = [rival for rival in stand.rivals if suits(rival, setup)]
            # Every round begins with another rival.
            for n in range(len(suited)):
                rival = suited[(n + turn) % len(suited)]
                figures.setdefault((rival.name, setup.label), []).append(clients[setup.client](rival, setup))
        print("# round %d of %d" % (turn + 1, rounds), flush=True)
    return figures


# --- what came out -----------------------------------------------------------------------------------


class Figures:
    def __init__(self, figures):
        self.all = figures

    def has(self, *keys):
        return all(key in self.all for key in keys)

    def median(self, rival, label, what):
        return statistics.median(f[what] for f in self.all[rival, label])

    def ratio(self, rival, other, label, what="rate"):
        """Median of the ratios of each round."""
        return statistics.median(a[what] / max(b[what], 1e-9) for a, b in zip(self.all[rival, label], self.all[other, label]))

    def work_ratio(self, rival, other, label):
        """The same of what a second of CPU achieves, server and client together: the throughput when all processors are busy."""
        return statistics.median((b["server_cpu"] + b["client_cpu"]) / (a["server_cpu"] + a["client_cpu"])
                                 for a, b in zip(self.all[rival, label], self.all[other, label]))

    def difference(self, rival, other, label, what="server_cpu"):
        return statistics.median(a[what] - b[what] for a, b in zip(self.all[rival, label], self.all[other, label]))


def print_table(title, figures, rivals, labels, cell):
    print("\n" + title)
    width = max(len(label) for label in labels) + 2
    print(" " * width + "".join("%20s" % rival.name for rival in rivals))
    for label in labels:
        print(label.ljust(width) + "".join(
            "%20s" % (cell(rival.name, label) if figures.has((rival.name, label)) else "-") for rival in rivals))


def report(stand, figures):
    labels = [setup.label for setup in setups()]
    loads = [label for label in labels if label.startswith("load")]
    print_table("Addresses a second (median), and the median ratio to the constant server in the same round", figures, stand.rivals,
                labels, lambda rival, label: "%.0f x%.2f" % (figures.median(rival, label, "rate"),
                                                             figures.ratio(rival, "constant", label)))
    print_table("CPU microseconds an address (median), the server's + the client's", figures, stand.rivals, labels,
                lambda rival, label: "%.2f + %.2f" % (figures.median(rival, label, "server_cpu"),
                                                      figures.median(rival, label, "client_cpu")))
    print_table("Addresses a second of CPU, server and client together, to the constant server's", figures, stand.rivals, labels,
                lambda rival, label: "x%.2f" % figures.work_ratio(rival, "constant", label))
    print_table("Questions an address", figures, stand.rivals, labels[:len(STREAMS)],
                lambda rival, label: "%.2f" % figures.median(rival, label, "questions"))
    print_table("Latency in microseconds: p50 / p99", figures, [rival for rival in stand.rivals if rival.socket], loads,
                lambda rival, label: "%.1f / %.1f" % (figures.median(rival, label, "p50"), figures.median(rival, label, "p99")))


class Verdicts:
    def __init__(self):
        self.rows = []

    def add(self, what, value, wanted, at_least, unit=""):
        reached = value >= wanted if at_least else value <= wanted
        self.rows.append({"what": what, "value": value, "wanted": wanted, "at_least": at_least, "reached": reached})
        print("%-66s %8.2f%s, %s %g%s wanted: %s" % (what, value, unit, "at least" if at_least else "at most", wanted, unit,
                                                    "reached" if reached else "MISSED"), flush=True)


def judge(verdicts, figures):
    if not any(name == "socketmapd" for name, _ in figures.all):
        return
    print()
    for setup in setups():
        if figures.has(("socketmapd", setup.label)) and setup.placement == "free" and setup.stream != "deep":
            verdicts.add("throughput beside the constant server, " + setup.label,
                         100 * figures.ratio("socketmapd", "constant", setup.label), 95, True, " %")
    for setup in setups():
        if figures.has(("socketmapd", setup.label)) and setup.client == "postmap" and setup.stream != "deep":
            verdicts.add("the same by CPU of server and client, " + setup.label,
                         100 * figures.work_ratio("socketmapd", "constant", setup.label), 95, True, " %")
    for setup in setups():
        if setup.client == "load" and (setup.placement == "pinned" or setup.many > 1):
            verdicts.add("CPU above the constant server's, " + setup.label, figures.difference("socketmapd", "constant", setup.label),
                         2 if setup.many > 1 else 3, False, " us")
    for name in STREAMS:
        label = "postmap x1 " + name
        if figures.has(("ldap", label)):
            verdicts.add("throughput, times that of ldap:, " + label, figures.ratio("socketmapd", "ldap", label), 3, True)


class CountingRelay:
    """A socket in front of a socketmap server that counts the questions."""

    def __init__(self, path, server):
        self.server, self.questions, self.framing = server, 0, re.compile(rb"\d+:")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client = self.listener.accept()[0]
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.server)
            threading.Thread(target=self.relay, args=(client, server), daemon=True).start()

    def relay(self, client, server):
        """Postfix sends one question and waits: a read is a question."""
        with client, server:
            while True:
                question = client.recv(65536)
                if not question:
                    return
                self.questions += 1
                server.sendall(question)
                client.sendall(server.recv(200000))


def searches(slapd):
    """How many slapd has answered."""
    found = slapd.search("-b", "cn=Search,cn=Operations,cn=Monitor", "-s", "base", "monitorOpCompleted")
    return int(re.search(r"monitorOpCompleted: (\d+)", found).group(1))


def measure_round_trips(stand, verdicts):
    """What Postfix's smtpd asks its virtual_alias_maps about one recipient: an extension in a domain with a catch-all."""
    ours = [rival for rival in stand.rivals if rival.name == "socketmapd"]
    if not ours or postfix.missing():
        return {}
    recipients = stand.questions.whole["deep"][:10]
    domains = " ".join(sorted({address.rsplit("@", 1)[1] for address in recipients}))
    relay = CountingRelay(os.path.join(stand.mta.socket_folder, "counted"), ours[0].socket)
    asked = {}
    # From within its chroot smtpd does not see ldapi's socket.
    ldap = stand.box.write("virtual-tcp.cf", LDAP_TABLE % (stand.slapd.uri, ATTRIBUTES))
    for name, table in (("ldap", "ldap:" + ldap), ("socketmapd", "socketmap:unix:ispman/counted:virtual")):
        # cleanup would expand them again, at a time of its own.
        stand.mta.configure("recipient_delimiter = +\nreceive_override_options = no_address_mappings\n"
                            "virtual_alias_domains = %s\nvirtual_alias_maps = %s\n" % (domains, table))
        if stand.mta.running():
            stand.mta.stop()
        stand.mta.start()
        with stand.mta.session() as smtp:
            smtp.want(2, smtp.mail("someone@away.example"))
            before = searches(stand.slapd) + relay.questions
            for recipient in recipients:
                smtp.want(2, smtp.rcpt(recipient))
            # The second count is a search too.
            asked[name] = (searches(stand.slapd) - 1 + relay.questions - before) / len(recipients)
    print("\nquestions of smtpd to virtual_alias_maps a recipient: ldap: %.1f, ispman-socketmapd %.1f" % (
        asked["ldap"], asked["socketmapd"]))
    verdicts.add("questions of smtpd a recipient where ldap: has %g" % asked["ldap"], asked["socketmapd"], 1, False)
    return asked


def measure_change(stand, verdicts, changes):
    """From slapd's "done" to the reply."""
    ours = [rival for rival in stand.rivals if rival.name == "socketmapd"]
    if not ours:
        return {}
    # The second user of the first domain forwards.
    key, target = keys_of(stand.users, "hit", 1)[0]
    entry = "uid=%s_firm0_example,ou=users,ispmanDomain=firm0.example,o=ispman" % key.split("@")[0].replace(".", "_")
    slapd = stand.slapd
    done = subprocess.run([tool("change_probe"), "socketmap", slapd.uri, slapd.manager, slapd.password, entry, ours[0].socket,
                           "virtual", key, str(changes)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit("change_probe: " + done.stderr)
    p50, p90, p99, worst = (float(x) for x in done.stdout.split())
    print("\nlatency of %d changes: p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, worst %.2f ms" % (changes, p50, p90, p99, worst))
    verdicts.add("from LDAP to the reply, p50", p50, 3, False, " ms")
    verdicts.add("from LDAP to the reply, p99", p99, 15, False, " ms")
    return {"changes": changes, "p50_ms": p50, "p90_ms": p90, "p99_ms": p99, "worst_ms": worst}


# --- sizes -------------------------------------------------------------------------------------------


def measure_scale(box, sizes, rounds, seconds, verdicts):
    """All sizes at once, in turn."""
    stands = []
    for users in sizes:
        stand = Stand.__new__(Stand)
        stand.questions = ScaleQuestions(box, users)
        ldif, words = make_tree(box, users)
        print("# " + words, flush=True)
        cached = box.cached(source="ldif:" + ldif, name="cached-%d" % users, start=False)
        cached.start(wait=False)
        cached.wait(1800)
        os.unlink(ldif)
        os.makedirs(box.path("sockets-%d" % users))
        rival = start_socketmapd(box, cached, box.path("sockets-%d" % users), "socketmapd-%d" % users)
        if rival is None:
            raise SystemExit("ispman-socketmapd is not built")
        stands.append((stand, rival))
    used = {}
    for stand, rival in stands:
        warm(Load(stand, seconds), rival)
    some = [Setup("load", many, name, placement) for placement in ("free", "pinned") for many in (1, MANY) for name in LOADS]
    for turn in range(rounds):
        for setup in some:
            for n in range(len(stands)):
                stand, rival = stands[(n + turn) % len(stands)]
                used.setdefault((rival.name, setup.label), []).append(Load(stand, seconds)(rival, setup))
        print("# round %d of %d" % (turn + 1, rounds), flush=True)
    figures = Figures(used)
    rivals = [rival for _, rival in stands]
    labels = [setup.label for setup in some]
    print_table("CPU microseconds a lookup (median), and lookups a second", figures, rivals, labels,
                lambda rival, label: "%.2f %.0f" % (figures.median(rival, label, "server_cpu"), figures.median(rival, label, "rate")))
    print()
    for label in labels:
        verdicts.add("CPU a lookup, %d users to %d, %s" % (sizes[-1], sizes[0], label),
                     figures.ratio(rivals[-1].name, rivals[0].name, label, "server_cpu"), 1.2, False)
    return used


class ScaleQuestions:
    """Keys of all users, as many as there are."""

    def __init__(self, box, users):
        self.box, self.users = box, users

    def load_file(self, name):
        return write_load(self.box, self.users, name, max(KEYS, self.users))


# --- the whole -----------------------------------------------------------------------------------------


def arguments():
    parser = argparse.ArgumentParser(description="ispman-socketmapd beside its rivals")
    parser.add_argument("--quick", action="store_true", help="10,000 users, two short rounds: does it work")
    parser.add_argument("--scale", action="store_true", help="CPU a lookup by the number of users")
    parser.add_argument("--change", action="store_true", help="only the latency of changes")
    parser.add_argument("--json", metavar="FILE", help="the figures, for programs")
    parser.add_argument("rivals", nargs="*", help="constant, socketmapd, ldap, lmdb, proxy:ldap, proxy:lmdb")
    args = parser.parse_args()

    def setting(name, usual, quick):
        return os.environ.get(name) or (quick if args.quick else usual)

    args.users = int(setting("BENCH_USERS", "100000", "10000"))
    args.rounds = int(setting("BENCH_ROUNDS", "7", "2"))
    args.seconds = float(setting("BENCH_SECONDS", "1", "0.3"))
    args.changes = int(setting("BENCH_CHANGES", "1000", "100"))
    args.sizes = [int(n) for n in setting("BENCH_SIZES", "1000,30000,1000000", "1000,10000").split(",")]
    return args


def compare(box, args, verdicts):
    ldif, words = make_tree(box, args.users)
    print("# %s; %d rounds of %g s" % (words, args.rounds, args.seconds), flush=True)
    stand = Stand(box, args.users, args.rivals)
    stand.start_slapd(ldif)
    stand.start_constant()
    if stand.wants("socketmapd"):
        cached = box.cached(slapd=stand.slapd, start=False)
        cached.start(wait=False)
        cached.wait(600)
        stand.start_ours(cached)
    result = {}
    if not args.change:
        stand.start_tables()
        stand.verify()
        figures = Figures(measure(stand, args.rounds, args.seconds))
        report(stand, figures)
        judge(verdicts, figures)
        result["figures"] = [{"rival": rival, "setup": label, "rounds": rows} for (rival, label), rows in figures.all.items()]
        result["left_out"] = stand.left_out
        result["round_trips"] = measure_round_trips(stand, verdicts)
    result["change"] = measure_change(stand, verdicts, args.changes)
    return result


def main():
    args = arguments()
    missing = servers.missing(*(["cached", "ispmanctl"] + ([] if args.scale else ["slapd", "ldapsearch", "postmap"])))
    if missing:
        raise SystemExit("missing: %s" % missing)
    started, verdicts = time.time(), Verdicts()
    with servers.Sandbox("bench-mail") as box:
        if args.scale:
            used = measure_scale(box, args.sizes, args.rounds, args.seconds, verdicts)
            result = {"scale": [{"rival": rival, "setup": label, "rounds": rows} for (rival, label), rows in used.items()]}
        else:
            result = compare(box, args, verdicts)
    if args.json:
        result["settings"] = {name: getattr(args, name) for name in ("users", "rounds", "seconds", "changes", "sizes")}
        result["verdicts"] = verdicts.rows
        with open(args.json, "w") as f:
            json.dump(result, f, indent=1)
    print("# took %.0f s" % (time.time() - started))


if __name__ == "__main__":
    main()
