# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""ispmanctl against a daemon that says what the test wants: texts, JSON, exit codes."""

import fcntl
import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import servers
import tap

STATUS = {
    "version": "0.1.0", "pid": 4711, "started": 1790000000, "source": "ldap", "from": "ldap://one",
    "phase": "persist", "phase_since": 1790000000, "behind": False, "error": "", "error_at": 0,
    "contact": 1790000100, "age": 0.2, "synchronised": True, "complete": True, "loading": False,
    "refreshing": False, "mentioned": 0, "entries": 12345, "zones": 1002, "problems": 3, "queue": 0,
    "held_zones": 0, "rebuilding": False, "publish_error": "", "stuck": 0, "brake": None, "job": None,
    "stores": {"dns": {"used": 1048576, "map": 34359738368, "readers": 2, "readers_max": 1024}},
}
HELD = dict(STATUS, synchronised=False, brake={"entries": 5000, "zones": 400, "zones_total": 1002,
                                               "records": 0, "records_total": 9})
WAITING = dict(STATUS, synchronised=False, phase="waiting", age=7300, zones=1,
               error="ldap://one: Can't contact LDAP server", error_at=1790000200)
PROBLEMS = [
    {"kind": "bad-record", "dn": "b=2", "sentence": "second"},
    {"kind": "bad-record", "dn": "a=1", "sentence": "first"},
    {"kind": "claim", "dn": "b=2", "sentence": "third"},
    {"kind": "claim", "dn": "b=2", "sentence": "third"},
    {"kind": "orphan", "dn": "", "sentence": "no entry"},
]


class Daemon:
    """Answers each command with its lines, one client after the other."""

    def __init__(self, run_dir, answers, name="control"):
        self.path = os.path.join(run_dir, name)
        self.answers = answers
        self.asked = []
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.path)
        self.listener.listen(8)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client, client.makefile("rw") as stream:
                for line in stream:
                    request = json.loads(line)
                    self.asked.append(request)
                    for answer in self.answers.get(request["command"], [{"error": "unknown"}])[:-1]:
                        stream.write(json.dumps(answer) + "\n")
                    last = self.answers.get(request["command"], [{"error": "unknown"}])[-1]
                    if last is None:
                        break
                    stream.write((last if isinstance(last, str) else json.dumps(dict(last, done=True))) + "\n")
                    stream.flush()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        os.unlink(self.path)


class World:
    def __init__(self, box):
        self.box = box
        self.run_dir = box.path("run")
        self.cache_dir = box.path("cache")
        os.mkdir(self.run_dir)
        self.conf = box.write("ispman.conf", "[ispman]\nrun-dir = %s\ncache-dir = %s\n"
                              "[ldap]\nbase = dc=tern,dc=example\nbind-dn = cn=reader,dc=tern,dc=example\n"
                              % (self.run_dir, self.cache_dir))

    def ctl(self, *args, conf=True, text=True):
        command = [servers.program("ispmanctl")] + (["-c", self.conf] if conf else []) + list(args)
        env = dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC")
        return subprocess.run(command, capture_output=True, text=text, env=env, timeout=60)


AGENT = {"program": "ispman-agent", "version": "0.1.0", "pid": os.getpid(), "directories": 1234, "mailboxes": 5678, "waiting": 3,
         "made": 0, "removed": 0, "adopted": 0, "last-complete": 0, "last-seconds": 0.0, "brake": False, "held": 0, "is-adopted": True,
         "failures": 1, "failed": [{"kind": "mailbox", "account": "ada", "reason": "is \x1b[2Janother's"}]}


def agent_rows(t, world, same):
    path = os.path.join(world.run_dir, "agent-status")
    head = ("synchronised with ldap://one (age 0.2 s) \u00b7 12,345 entries \u00b7 1,002 zones \u00b7 queue 0 \u00b7 3 problems\n"
            "  contact      2026-09-21 14:15:00\n"
            "  daemon       ispman-cached 0.1.0, pid 4711, since 2026-09-21 14:13:20\n")
    short = dict(STATUS, stores={})

    def leave(what):
        with open(path, "w", encoding="utf-8") as f:
            f.write(what if isinstance(what, str) else json.dumps(what))

    leave(AGENT)
    same(["status"], [short], 0, head +
         "  agent        1,234 directories, 5,678 mailboxes \u00b7 3 wait for removal \u00b7 1 failure \u00b7 no pass yet\n"
         "    ada (mailbox): is  [2Janother's\n", name="status of the agent")
    same(["status", "--json"], [short], 0,
         json.dumps(dict(short, agent=dict(AGENT, running=True)), indent=2, sort_keys=True, ensure_ascii=False)
         .replace("\\u001b", "\\u001B") + "\n", name="status --json has the agent's")
    leave(dict(AGENT, brake=True, held=700))
    same(["status", "--json"], [short], 1,
         json.dumps(dict(short, agent=dict(AGENT, brake=True, held=700, running=True)), indent=2, sort_keys=True)
         .replace("\\u001b", "\\u001B") + "\n", name="the agent's brake is a failure of the status")
    leave(dict(AGENT, pid=2147483647, failures=0, failed=[]))
    same(["status"], [short], 1, head +
         "  agent        NOT RUNNING \u00b7 1,234 directories, 5,678 mailboxes \u00b7 3 wait for removal \u00b7 no pass yet\n",
         name="an agent that ended")
    leave("nonsense")
    same(["status"], [short], 1, head + "  agent        its status cannot be read: %s: that is no status\n" % path,
         name="an agent's status that is none")
    done = world.ctl("status")
    t.ok(done.returncode == 3 and "  agent        its status cannot be read" in done.stdout, "the agent stands in it without the cache's daemon",
         done.stdout + done.stderr)
    os.unlink(path)


def answers(t, world):
    def same(command, lines, want_code, want_out, want_err="", name=None):
        daemon = Daemon(world.run_dir, {command[0]: lines})
        try:
            done = world.ctl(*command)
        finally:
            daemon.close()
        t.same((done.returncode, done.stdout, done.stderr), (want_code, want_out, want_err),
               name or " ".join(command))

    same(["status"], [STATUS], 0,
         "synchronised with ldap://one (age 0.2 s) \u00b7 12,345 entries \u00b7 1,002 zones \u00b7 queue 0 \u00b7 3 problems\n"
         "  contact      2026-09-21 14:15:00\n"
         "  dns          1.0 MiB of 32.0 GiB, 2 of 1024 readers\n"
         "  daemon       ispman-cached 0.1.0, pid 4711, since 2026-09-21 14:13:20\n")
    same(["status"], [WAITING], 1,
         "NOT synchronised with ldap://one: waiting (age 2 h 1 min) \u00b7 12,345 entries \u00b7 1 zone \u00b7 queue 0 \u00b7 3 problems\n"
         "last error: ldap://one: Can't contact LDAP server (2026-09-21 14:16:40)\n"
         "  contact      2026-09-21 14:15:00\n"
         "  dns          1.0 MiB of 32.0 GiB, 2 of 1024 readers\n"
         "  daemon       ispman-cached 0.1.0, pid 4711, since 2026-09-21 14:13:20\n",
         name="status while LDAP is away")
    same(["status"], [dict(STATUS, warnings=["[ldap] uri: the password\u2026"], stores={})], 0,
         "synchronised with ldap://one (age 0.2 s) \u00b7 12,345 entries \u00b7 1,002 zones \u00b7 queue 0 \u00b7 3 problems\n"
         "[ldap] uri: the password\u2026\n"
         "  contact      2026-09-21 14:15:00\n"
         "  daemon       ispman-cached 0.1.0, pid 4711, since 2026-09-21 14:13:20\n",
         name="what the configuration is warned of stands in the status")
    same(["status", "--json"], [STATUS], 0, json.dumps(STATUS, indent=2, sort_keys=True) + "\n")
    same(["status", "--json"], [WAITING], 1, json.dumps(WAITING, indent=2, sort_keys=True) + "\n",
         name="an error of the source is no failure of the command")

    daemon = Daemon(world.run_dir, {"status": [HELD]})
    done = world.ctl("status")
    daemon.close()
    t.ok(done.returncode == 1 and "\nTHE BRAKE HOLDS: the last comparison would remove 5,000 entries, "
         "400 of 1,002 zones.\n" in done.stdout and "release-brake" in done.stdout,
         "the brake shouts", done.stdout)

    agent_rows(t, world, same)

    same(["problems"], PROBLEMS + [{"problems": 5}], 1,
         "(no entry)\n    orphan: no entry\na=1\n    bad-record: first\n"
         "b=2\n    bad-record: second\n    claim: third\n")
    same(["problems", "--json"], PROBLEMS + [{"problems": 5}], 1,
         json.dumps([PROBLEMS[4], PROBLEMS[1], PROBLEMS[0], PROBLEMS[2]], indent=2, sort_keys=True) + "\n")
    same(["problems"], [{"kind": "bad-record", "dn": "a=\x1b[2J\u009b\u00e9", "sentence": "x\ny"}, {"problems": 1}], 1,
         "a=\\x1b[2J\\x9b\u00e9\n    bad-record: x\\x0ay\n", name="values do not steer the terminal")
    same(["problems"], [{"problems": 0}], 0, "", name="no problems")
    same(["problems"], [PROBLEMS[0], {"error": "it broke"}], 3, "", "ispmanctl: it broke\n",
         name="half a list of problems is none")
    same(["problems"], [PROBLEMS[0], None], 3, "", "ispmanctl: ispman-cached ended before its answer did\n",
         name="a daemon that dies in the middle")
    same(["status"], ["nonsense"], 3,
         "ispman-cached's answer makes no sense\n"
         "the cache cannot be read: %s/dns/2/data.mdb: open: No such file or directory\n" % world.cache_dir,
         name="an answer that is no JSON")

    figures = {"entries": 1234, "missing": 0, "different": 0, "extra": 0, "dns": 0}
    same(["verify"], [figures], 0,
         "1,234 entries compared: 0 missing, 0 different, 0 extra, 0 DNS records differ\n")
    same(["verify"], [{"difference": "a=1 is missing"}, dict(figures, missing=1)], 1,
         "a=1 is missing\n1,234 entries compared: 1 missing, 0 different, 0 extra, 0 DNS records differ\n",
         name="verify finds a difference")
    same(["verify"], [{"error": "one runs already"}], 3, "", "ispmanctl: one runs already\n",
         name="verify is refused")
    same(["rebuild"], [{"fragments": 7}], 0, "rebuilt from the replica; 7 fragments differed\n")
    same(["release-brake"], [{"said": "the held removals are made"}], 0, "the held removals are made\n")
    same(["release-brake"], [{"error": "the brake holds nothing"}], 1, "",
         "ispmanctl: the brake holds nothing\n", name="nothing to release")
    same(["wait"], [{"synchronised": True}], 0, "")
    same(["wait", "--timeout", "0.5", "--json"], [{"synchronised": False}], 1,
         '{\n  "synchronised": false\n}\n')
    same(["wait", "--timeout", "0"], [{"synchronised": False}], 1, "",
         "ispmanctl: not synchronised in time; \"ispmanctl status\" says why\n")


def without_daemon(t, world):
    done = world.ctl("status")
    t.same((done.returncode, done.stdout), (3,
           "ispman-cached does not answer: nobody listens at %s/control\n"
           "the cache cannot be read: %s/dns/2/data.mdb: open: No such file or directory\n"
           % (world.run_dir, world.cache_dir)), "status with nothing there")
    done = world.ctl("status", "--json")
    t.ok(done.returncode == 3 and json.loads(done.stdout)["usable"] is False, "the same as JSON")
    for command in ("problems", "verify", "rebuild", "release-brake"):
        done = world.ctl(command)
        t.same((done.returncode, done.stdout, done.stderr),
               (3, "", "ispmanctl: ispman-cached does not answer: nobody listens at %s/control\n" % world.run_dir),
               command + " without the daemon")
    begun = time.monotonic()
    done = world.ctl("wait", "--timeout", "0.3")
    t.ok(done.returncode == 3 and 0.3 <= time.monotonic() - begun < 10, "wait gives up in time")
    done = world.ctl("lookup", "dns", "www.pine.example")
    t.ok(done.returncode == 3 and done.stderr.startswith("ispmanctl: cannot tell: ") and done.stdout == "",
         "lookup without a cache cannot tell", done.stderr)

    waiting = subprocess.Popen([servers.program("ispmanctl"), "-c", world.conf, "wait", "--timeout", "20"])
    servers.wait_until(lambda: waiting.poll() is None, "ispmanctl to start")
    daemon = Daemon(world.run_dir, {"wait": [{"synchronised": True}]})
    t.same(waiting.wait(20), 0, "wait waits for the daemon to start, too")
    t.ok(0 < daemon.asked[0]["timeout"] <= 20, "and asks for the rest of the time", daemon.asked)
    daemon.close()


def usage(t, world):
    rows = [
        ((), "a command is missing"), (("nope",), "unknown command nope"), (("--nope",), "unknown option --nope"),
        (("status", "x"), "status takes no arguments"), (("status", "--timeout", "3"), "status takes no --timeout"),
        (("metrics", "--json"), "metrics takes no --json"), (("wait", "--timeout", "x"), "--timeout x: allowed"),
        (("wait", "--timeout"), "--timeout lacks its value"), (("config",), "config takes one of"),
        (("config", "exim"), "config takes one of"), (("config", "postfix", "spool"), "named from / on, not \"spool\""),
        (("config", "bind", "x"), "config takes one of"), (("lookup",), "lookup takes dns NAME [TYPE]"),
        (("lookup", "dns"), "lookup takes dns NAME [TYPE]"), (("lookup", "web", "a"), "lookup takes dns"),
        (("explain", "dns", "a", "A", "x"), "explain takes dns"), (("lookup", "dns", "a..b"), "a..b is no domain name"),
        (("lookup", "dns", "a", "NOPE"), "NOPE is no record type"),
        (("lookup", "mail", "virtual"), "lookup takes dns NAME [TYPE] | mail MAP KEY"),
        (("explain", "mail", "virtul", "a@b"), "virtul is no map; allowed: virtual domains relay-domains transport"),
        (("-o", "x", "status"), "-o: x: an override is written"),
        (("-o", "ldap.timout=3", "status"), "did you mean timeout?"),
    ]
    for args, want in rows:
        done = world.ctl(*args)
        t.ok(done.returncode == 2 and want in done.stderr and done.stdout == "",
             "usage: " + (" ".join(args) or "nothing"), "%r %r" % (done.returncode, done.stderr))
    bad = world.box.write("bad.conf", "[ldap]\ntimout = 5\n[nope]\n")
    done = world.ctl("-c", bad, "status", conf=False)
    t.ok(done.returncode == 2 and done.stderr.startswith(
        "ispmanctl: %s:2: [ldap] timout: unknown key; allowed: " % bad) and
        "ispmanctl: %s:3: [nope]: unknown section; allowed: " % bad in done.stderr,
        "mistakes in the file are named", done.stderr)
    done = world.ctl("-c", "/nonexistent/x", "status", conf=False)
    t.same((done.returncode, done.stderr),
           (2, "ispmanctl: /nonexistent/x: cannot be read: No such file or directory\n"), "a file that is not there")
    text = world.ctl("--help").stdout
    for command in ("status", "lookup", "explain", "problems", "wait", "verify", "rebuild", "release-brake",
                    "metrics", "config"):
        done = world.ctl(command, "--help")
        t.ok(done.returncode == 0 and done.stdout.startswith("ispmanctl %s: " % command) and
             "\n  %s " % command in text, "help for " + command)
    t.ok(world.ctl("--version").stdout.startswith("ispmanctl "), "version")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([servers.program("ispmanctl"), "--help"], stdout=full, stderr=subprocess.PIPE)
    t.same(done.returncode, 3, "an answer that cannot be written is none")


def snippets(t, world):
    text = world.ctl("config", "bind").stdout
    t.ok("cache-dir=%s run-dir=%s minimal=yes" % (world.cache_dir, world.run_dir) in text and "dlz_ispman.so" in text and "minimal-responses yes;" in text,
         "config bind", text)
    if servers.find_tool("named-checkconf"):
        path = world.box.write("bind.conf", text)
        done = subprocess.run([servers.find_tool("named-checkconf"), path], capture_output=True, text=True)
        t.same((done.returncode, done.stdout), (0, ""), "named-checkconf accepts it")
    postfix_snippet(t, world)
    text = world.ctl("config", "apparmor").stdout
    t.ok("%s/dns/*/lock.mdb rwk,\n" % world.cache_dir in text and "%s/metrics/dns/* rwk,\n" % world.run_dir in text,
         "config apparmor", text)
    text = world.ctl("config", "slapd").stdout
    t.ok('dn.exact="cn=reader,dc=tern,dc=example" size=unlimited' in text and "(olcSuffix=dc=tern,dc=example)" in text,
         "config slapd", text)
    t.ok('by dn.exact="cn=reader,dc=tern,dc=example" read\n  by * break\nolcAccess: {1}' in text,
         "config slapd: passwords are read by who compares them", text)
    text = world.ctl("-o", "login.verify=bind", "config", "slapd").stdout
    t.ok('by dn.exact="cn=reader,dc=tern,dc=example" none\n' in text, "config slapd: and by nobody else", text)
    sasl_snippets(t, world)
    for section, daemon, readers in (("saslauth", "saslauth/saslauthd_settings.c", "cache/login_settings.c"),
                                     ("ftpauth", "ftpauth/ftpauthd_settings.c", "cache/ftp_settings.c"),
                                     ("socketmap", "postfix_map/socketmapd_settings.c", "cache/mail_settings.c")):
        keys = []
        for path in (daemon, readers):
            with open(os.path.join(servers.SRCDIR, path), encoding="utf-8") as f:
                keys.append(set(re.findall(r'\{ "%s", "([a-z-]+)"' % section, f.read())))
        t.same(sorted(keys[0] - keys[1]), [], "[%s]: every key is known to who reads the file for another section" % section)


def sasl_snippets(t, world):
    def lines(*args):
        return [line for line in world.ctl(*args).stdout.splitlines() if line and not line.startswith("# ") and line != "#"]

    listen = ("-o", "saslauth.listen=unix:/q/ispman/mux,mode=0660,group=sasl", "-o", "saslauth.listen=unix:/run/s/mux")
    t.same(lines("config", "cyrus"),
           ["sasl_pwcheck_method: saslauthd", "sasl_saslauthd_path: /run/saslauthd/mux", "sasl_mech_list: PLAIN LOGIN",
            "allowplaintext: no", "virtdomains: userid", "unixhierarchysep: yes", "autocreate_quota: -1", "admins: cyrus"],
           "config cyrus")
    got = lines("-o", "login.mailbox-name=uid", "-o", "saslauth.listen=unix:/run/s/mux,mode=0660", "config", "cyrus")
    t.ok("sasl_saslauthd_path: /run/s/mux" in got and "virtdomains: off" in got and "unixhierarchysep: yes" not in got,
         "config cyrus: mailboxes called by uids", got)
    got = lines("-o", "login.default-domain=tern.example", "config", "cyrus")
    t.ok("defaultdomain: tern.example" in got, "config cyrus: a default domain", got)
    got = lines(*listen, "config", "postfix", "/q")
    t.ok("#saslauthd_path: /ispman/mux" in got and "smtpd_sasl_type = cyrus" in got,
         "config postfix: the socket as seen from inside the queue directory", got)
    text = world.ctl("config", "postfix").stdout
    t.ok("[saslauth] listen = unix:/var/spool/postfix/ispman/mux,mode=0660,group=sasl" in text,
         "config postfix: where ispman-saslauthd has to listen for it", text)


def postfix_snippet(t, world):
    def tables(*args):
        text = world.ctl(*args).stdout
        return {line.split(":", 1)[1].rsplit(":", 1)[0] for line in text.splitlines() if line.startswith("    socketmap:")}, text

    got, text = tables("config", "postfix")
    t.ok(got == {"unix:ispman/socketmap"} and "postmap -q ada@tern.example socketmap:unix:/var/spool/postfix/ispman/socketmap:virtual" in text
         and "CAUTION" not in text, "config postfix: a path as seen from the queue directory", text)
    got, text = tables("-o", "socketmap.recipient-delimiter=+$", "-o", "socketmap.listen=inet:127.0.0.1:4711",
                       "-o", "socketmap.listen=unix:/q/s,mode=0666", "config", "postfix", "/q")
    t.ok(got == {"unix:s"} and "\nrecipient_delimiter = +$$\n" in text, "config postfix: another queue directory, a unix socket before others", text)
    got, text = tables("-o", "socketmap.listen=inet:127.0.0.1:4711", "config", "postfix")
    t.same(got, {"inet:127.0.0.1:4711"}, "config postfix: over TCP")
    got, text = tables("-o", "socketmap.listen=unix:/run/s", "config", "postfix")
    t.ok(got == {"unix:/run/s"} and "CAUTION: unix:/run/s is not below" in text,
         "config postfix: a socket that a chroot would hide is warned of", text)


def counters_file(pid, locked, rows, shards):
    """The layout of common/counters_file.h."""
    stride = 128
    body = b"".join(struct.pack("=II56s64s128s", kind, 0, name, labels, text) for kind, name, labels, text in rows)
    offset = (128 + len(body) + 127) // 128 * 128
    header = struct.pack("=8sIIIIIIIIQ32s48x", b"ISPMCNT1", 128, 256, len(rows), 16, stride, offset, pid, locked,
                         1790000000000000, b"named")
    values = b"".join(struct.pack("=%dQ" % len(rows), *shard).ljust(stride, b"\0") for shard in shards)
    return (header + body).ljust(offset, b"\0") + values


def metrics(t, world):
    t.same(world.ctl("metrics").stdout, "# EOF\n", "no counters yet")
    folder = os.path.join(world.run_dir, "metrics")
    os.mkdir(folder)
    rows = [(1, b"dns_queries", b'result="hit"', b"Queries."), (1, b"dns_queries", b'result="miss"', b"Queries."),
            (2, b"age", b"", b"Age.")]
    shards = [(1, 0, 9)] + [(1, 2, 0)] * 15
    live = os.path.join(folder, "named.1.0")
    with open(live, "wb") as f:
        f.write(counters_file(77, 1, rows, shards))
    with open(os.path.join(folder, "named.2"), "wb") as f:
        f.write(counters_file(78, 1, rows, shards))
    with open(os.path.join(folder, "rubbish"), "wb") as f:
        f.write(os.urandom(5000))
    with open(live, "rb") as f:
        fcntl.flock(f, fcntl.LOCK_SH)
        t.same(world.ctl("metrics").stdout,
               '# TYPE ispman_age gauge\n# HELP ispman_age Age.\nispman_age{program="named",pid="77"} 9\n'
               "# TYPE ispman_dns_queries counter\n# HELP ispman_dns_queries Queries.\n"
               'ispman_dns_queries_total{program="named",pid="77",result="hit"} 16\n'
               'ispman_dns_queries_total{program="named",pid="77",result="miss"} 30\n# EOF\n',
               "metrics of the process that lives")


SOA = ("pine.example.\t3600\tIN\tSOA\tns1.birch.example. hostmaster.birch.example. 2026010107 10800 1800 1209600 3600\n")

# (arguments, exit code, first line without "; ", the records)
LOOKUPS = [
    (("www.pine.example", "A"), 0, "hit", "www.pine.example.\t3600\tIN\tA\t192.0.2.80\n"),
    (("WWW.Pine.Example.", "a"), 0, "hit", "www.pine.example.\t3600\tIN\tA\t192.0.2.80\n"),
    (("www.pine.example", "TXT"), 1, "NODATA: the name exists, such a record does not", "; authority\n" + SOA),
    (("nope.pine.example",), 1, "NXDOMAIN: there is no such name", "; authority\n" + SOA),
    (("example",), 1, "not served: the name is in no zone of ours", ""),
    (("pine.example", "SOA"), 0, "hit", SOA),
    (("foo.shop.pine.example",), 0, "hit, by a wildcard", "foo.shop.pine.example.\t3600\tIN\tA\t192.0.2.83\n"),
    (("a.garden.pine.example", "A"), 0, "referral: the name is delegated",
     "; authority\ngarden.pine.example.\t3600\tIN\tNS\tns.garden.pine.example.\n"
     "; additional\nns.garden.pine.example.\t3600\tIN\tA\t203.0.113.53\n"),
    (("garden.pine.example", "DS"), 0, "hit",
     "garden.pine.example.\t3600\tIN\tDS\t30909 13 2 42B453BB4F89BAD341C8C6C1F99867617385E0753E446BCE50318A53DA1CAB2C\n"),
    (("ftp.fir.example", "A"), 0, "hit",
     "ftp.fir.example.\t3600\tIN\tCNAME\twww.fir.example.\nwww.fir.example.\t3600\tIN\tA\t192.0.2.80\n"),
    (("x.old.pine.example", "A"), 0, "hit, by a wildcard",
     "old.pine.example.\t3600\tIN\tDNAME\toak.example.\nx.old.pine.example.\t3600\tIN\tCNAME\tx.oak.example.\n"
     "x.oak.example.\t3600\tIN\tCNAME\twww.oak.example.\nwww.oak.example.\t3600\tIN\tA\t192.0.2.80\n"),
    (("192.0.2.80",), 0, "hit", "80.2.0.192.in-addr.arpa.\t86400\tIN\tPTR\tweb1.birch.example.\n"),
]


def lookups(t, box):
    cached = box.cached(source="ldif:" + os.path.join(servers.SRCDIR, "docs/examples/tree.ldif"),
                        settings={"dns": {"reverse-prefixes": "192.0.2.0/24 2001:db8:1::/48"}})
    # What is derived is looked through once after a start.
    servers.wait_until(lambda: json.loads(cached.ctl("status", "--json").stdout)["job"] is None, "jobs to end")
    done = cached.ctl("status")
    t.ok(done.returncode == 0 and done.stdout.startswith("synchronised with /"), "status of a live daemon", done.stdout)
    t.same(cached.ctl("problems").returncode, 0, "the example tree has no problems")
    done = cached.ctl("verify")
    t.ok(done.returncode == 0 and " 0 missing, 0 different, 0 extra, 0 DNS records differ" in done.stdout,
         "verify finds nothing", done.stdout + done.stderr)
    t.same(cached.ctl("rebuild").returncode, 0, "rebuild")
    t.same(cached.ctl("release-brake").returncode, 1, "there is nothing to release")
    t.ok('ispman_zones{program="ispman-cached",pid="' in cached.ctl("metrics").stdout, "its counters are in the metrics")
    explained = cached.ctl("explain", "dns", "foo.shop.fir.example", "A").stdout
    for want in ("; 1. The zone is fir.example.", "\nfoo.shop.fir.example.\t3600\tIN\tA\t192.0.2.83\n",
                 "; entries behind zone fir.example.\n;   ispmanDomain=fir.example,o=ispman\n",
                 "; entries behind records of *.shop.pine.example.\n"
                 ";   relativeDomainName=*.shop,aRecord=192.0.2.83,ou=aRecord,dc=pine,dc=example,ou=DNS,o=ispman\n"):
        t.ok(want in explained, "explain says " + want.strip().splitlines()[0], explained)

    for alive in (True, False):
        for args, code, summary, records in LOOKUPS:
            done = cached.ctl("lookup", "dns", *args)
            lines = done.stdout.splitlines(keepends=True)
            got = (done.returncode, lines[0].strip() if lines else "", "".join(lines[2:]))
            t.same(got, (code, "; " + summary, records),
                   "lookup %s, the daemon is %s" % (" ".join(args), "alive" if alive else "dead"))
        if alive:
            explained = {" ".join(args): cached.ctl("explain", "dns", *args).stdout for args, *_ in LOOKUPS}
            t.same([line for text in explained.values() for line in text.splitlines()
                    if line.startswith("; ") and ".." in line], [],
                   "no name in what is explained ends with two dots")
        if alive:
            cached.kill()
    answer = json.loads(cached.ctl("lookup", "--json", "dns", "www.pine.example", "A").stdout)
    t.same((answer["outcome"], answer["zone"], answer["answer"]),
           ("hit", "pine.example.", [{"owner": "www.pine.example.", "ttl": 3600, "type": "A", "data": "192.0.2.80"}]),
           "lookup as JSON")
    done = cached.ctl("status")
    t.ok(done.returncode == 3 and "the cache is answered from as it is (age " in done.stdout,
         "status of a dead daemon tells the age of the cache", done.stdout)
    done = cached.ctl("explain", "dns", "www.pine.example", "A")
    t.ok(done.returncode == 0 and "; entries behind it: ispman-cached does not answer" in done.stdout,
         "explain without the daemon", done.stdout)
    t.same(cached.ctl("metrics").stdout, "# EOF\n", "the dead have no metrics")


MAIL = """domain tern.example
domain heron.example master=tern.example
user ada@tern.example,@tern.example host=mail1.isp.example routing=ada@tern.example login=ada
user off@tern.example suspended host=mail1.isp.example routing=off@tern.example
group staff+x@tern.example to=ada@tern.example to=%1b[2J@elsewhere.example to=carol@elsewhere.example
"""


def mail_lookups(t, world):
    done = world.ctl("lookup", "mail", "virtual", "ada@tern.example")
    t.ok(done.returncode == 3 and done.stderr.startswith("ispmanctl: cannot tell: "),
         "lookup mail without a cache cannot tell", done.stderr)
    folder = os.path.join(world.cache_dir, "mail", "2")
    subprocess.run([servers.program("tests/lib/write_mail"), folder], input=MAIL, text=True, check=True)
    for args, want_code, want in [
        (("virtual", "ADA@Heron.Example."), 0, "ada@tern.example\n"),
        (("virtual", "Staff+x@tern.example"), 0, "ada@tern.example,carol@elsewhere.example\n"),
        (("transport", "any@heron.example"), 0, "lmtp:[mail1.isp.example]\n"),
        (("domains", "heron.example"), 0, "heron.example\n"),
        (("domains", "nowhere.example"), 1, "; absent: Postfix is told that there is no such key\n"),
        (("virtual", "<>"), 1, "; absent: Postfix is told that there is no such key\n"),
        (("virtual", "\x1b[2J"), 1, "; absent: Postfix is told that there is no such key\n"),
    ]:
        done = world.ctl("lookup", "mail", *args)
        t.same((done.returncode, done.stdout, done.stderr), (want_code, want, ""), "lookup mail %s %r" % args)
    done = world.ctl("-o", "mail.suspended-users=refuse", "lookup", "mail", "virtual", "off@tern.example")
    t.same(done.returncode, 1, "settings are heeded")
    done = world.ctl("lookup", "--json", "mail", "domains", "TERN.example")
    t.same(json.loads(done.stdout), {"map": "domains", "key": "TERN.example", "outcome": "found", "value": "tern.example"},
           "lookup mail as JSON")
    steps = ("; 1. heron.example is a replica of tern.example\n"
             "; 2. nobody@heron.example is held by nobody\n"
             "; 3. nobody@tern.example, at the replica's master, is held by nobody\n"
             "; 4. the catch-all @heron.example is held by nobody\n"
             "; 5. the catch-all @tern.example, at the replica's master, is held\n"
             "ada@tern.example\n")
    done = world.ctl("explain", "mail", "mailbox", "nobody@heron.example")
    t.same((done.returncode, done.stdout), (0, steps + "; entries behind it: ispman-cached does not answer: nobody "
                                            "listens at %s/control\n" % world.run_dir), "explain mail without the daemon")
    daemon = Daemon(world.run_dir, {"entries": [{"entries": ["uid=ada,o=ispman"]}]})
    done = world.ctl("explain", "mail", "mailbox", "nobody@heron.example")
    asked = [bytes.fromhex(request["subject"]) for request in daemon.asked]
    daemon.close()
    t.same(asked, [b"dheron.example", b"aheron.example\0nobody", b"atern.example\0nobody", b"aheron.example\0",
                   b"atern.example\0"], "each record of the chain is asked for")
    t.ok(done.stdout.startswith(steps) and "; entries behind domain heron.example\n;   uid=ada,o=ispman\n" in done.stdout
         and done.stdout.endswith("; entries behind catch-all @tern.example\n;   uid=ada,o=ispman\n"),
         "explain mail with the entries", done.stdout)


def accounts(t, world):
    def account(*args, answer=None, entries=None, command="lookup"):
        daemons = [Daemon(world.run_dir, {"lookup": [answer], "explain": [answer]}, "saslauth-control")] if answer else []
        daemons += [Daemon(world.run_dir, {"entries": [{"entries": entries}]})] if entries else []
        try:
            done = world.ctl(command, "account", *args)
        finally:
            for daemon in daemons:
                daemon.close()
        return done, [daemon.asked for daemon in daemons]

    known = {"outcome": "allowed", "reason": "fine", "login": "Ada@tern.example", "service": "imap", "realm": "",
             "dn": "uid=ada_tern_example,ou=users,ispmanDomain=tern.example,o=ispman", "kind": "user", "domain": "tern.example",
             "address": "ada@tern.example", "uid": "ada_tern_example", "uuid": "0-1",
             "passwords": [{"scheme": "SSHA", "weak": False, "usable": True}, {"scheme": "CRYPT DES", "weak": True, "usable": True},
                           {"scheme": "SASL", "weak": False, "usable": False}]}
    facts = ("entry: uid=ada_tern_example,ou=users,ispmanDomain=tern.example,o=ispman\nkind: user\ndomain: tern.example\n"
             "address: ada@tern.example\nuid: ada_tern_example\npasswords: SSHA, CRYPT DES (weak), SASL (cannot be checked)\n")
    done, _ = account("ada@tern.example")
    t.same((done.returncode, done.stderr), (3, "ispmanctl: cannot tell: ispman-saslauthd does not answer: nobody listens at "
                                            "%s/saslauth-control\n" % world.run_dir), "lookup account without its daemon")
    done, asked = account("Ada@tern.example", "--service", "imap", answer=known)
    t.same((done.returncode, done.stdout, done.stderr, asked),
           (0, "may log in to imap\n" + facts, "",
            [[{"command": "lookup", "login": "Ada@tern.example", "service": "imap", "realm": ""}]]), "lookup account")
    done, _ = account("ada", "--realm", "x", answer=dict(known, outcome="refused", reason="suspended", passwords=[]))
    t.same((done.returncode, done.stdout), (1, "may not log in to imap: suspended\n" + facts.rsplit("passwords", 1)[0]
                                            + "passwords: none can be read\n"), "an account that is refused")
    done, _ = account("x", answer={"outcome": "unknown", "reason": "unknown-login", "login": "x", "service": "smtp"})
    t.same((done.returncode, done.stdout), (1, "nobody's login for smtp: unknown-login\n"), "nobody's login")
    done, _ = account("x", answer={"outcome": "cannot-tell", "error": "not loaded", "login": "x", "service": "smtp"})
    t.same((done.returncode, done.stdout, done.stderr), (3, "", "ispmanctl: cannot tell: not loaded\n"), "the daemon cannot tell")
    done, asked = account("Ada@tern.example", command="explain", entries=["uid=x"], answer=dict(
        known, steps=["it is held by a user"], subjects=[b"lada@tern.example".hex(), (b"e" + bytes(16)).hex()]))
    t.same((done.returncode, done.stdout, [request["subject"] for request in asked[1]]),
           (0, "; 1. it is held by a user\nmay log in to imap\n" + facts + "; entries behind login ada@tern.example\n;   uid=x\n"
            "; entries behind account ada_tern_example\n;   uid=x\n", [b"lada@tern.example".hex(), (b"e" + bytes(16)).hex()]),
           "explain account")
    done = world.ctl("lookup", "account")
    t.same(done.returncode, 2, "an account without a login is wrong usage")
    done = world.ctl("lookup", "mail", "virtual", "x", "--service", "y")
    t.same((done.returncode, done.stderr), (2, "ispmanctl: lookup mail takes no --service and no --realm\n"), "only accounts have a service")


def problems_between_addresses(t, world):
    folder = os.path.join(world.cache_dir, "mail", "2")
    subprocess.run([servers.program("tests/lib/write_mail"), folder], text=True, check=True,
                   input="domain tern.example\nuser ada@tern.example to=no@tern.example\n")
    sentence = "ada@tern.example leads to no@tern.example, which does not exist"
    daemon = Daemon(world.run_dir, {"problems": [PROBLEMS[1], {"problems": 1}], "entries": [
        {"entries": ["uid=x,ispmanDomain=other.tern.example,o=y", "uid=a,ispmanDomain=Tern.example,o=y"]}]})
    done = world.ctl("problems")
    daemon.close()
    t.same((done.returncode, done.stdout, done.stderr),
           (1, "a=1\n    bad-record: first\nuid=a,ispmanDomain=Tern.example,o=y\n    dangling-forward: %s\n" % sentence, ""),
           "problems between addresses are the entry's")
    daemon = Daemon(world.run_dir, {"problems": [{"problems": 0}], "entries": [{"entries": []}]})
    done = world.ctl("problems", "--json")
    daemon.close()
    t.same((done.returncode, json.loads(done.stdout)),
           (1, [{"dn": "", "kind": "dangling-forward", "sentence": sentence}]), "and without an entry nobody's")
    subprocess.run([servers.program("tests/lib/write_mail"), folder], text=True, check=True, input="incomplete\n")
    daemon = Daemon(world.run_dir, {"problems": [{"problems": 0}]})
    done = world.ctl("problems")
    daemon.close()
    t.ok(done.returncode == 3 and "between mail addresses cannot be told: " in done.stderr,
         "a mail cache that is not complete cannot tell its problems", done.stderr)


def main():
    lacks = servers.missing("ispmanctl")
    if lacks:
        tap.skip_all(lacks)
    t = tap.Tap()
    with servers.Sandbox("ctl") as box:
        world = World(box)
        without_daemon(t, world)
        answers(t, world)
        usage(t, world)
        snippets(t, world)
        metrics(t, world)
        if not servers.missing("cached"):
            lookups(t, box)
        mail_lookups(t, world)
        accounts(t, world)
        problems_between_addresses(t, world)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
