#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""What is never shown: no password as it was typed, and nothing that is stored of one, stands in any log at any level, nor in what ispmanctl
prints; passwords do not stay in memory. And lines about refused logins cannot be forged."""

import base64
import crypt
import hashlib
import itertools
import os
import re
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["ISPMAN_SRCDIR"], "tests", "lib"))
import authstage  # noqa: E402
import ftpstage  # noqa: E402
import mux  # noqa: E402
import pureftpd  # noqa: E402
import saslscene  # noqa: E402
import servers  # noqa: E402
import tap  # noqa: E402
from authstage import ssha  # noqa: E402
from saslscene import ADA, CAS, DOT, EVE, Account, Scene, bcrypt  # noqa: E402


# --- finding ------------------------------------------------------------------------------------------------

def forms(secret):
    """How SECRET can be written: as it is, in hexadecimal, and inside of base64 at each of three places."""
    out = {secret}
    if len(secret) < 8:
        return out
    out |= {secret.hex().encode(), secret.hex().upper().encode()}
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + secret[:len(secret) - (len(secret) + before) % 3])
        out.add(whole[(before * 8 + 5) // 6:])
    return out


def parts(stored):
    """What must not be seen of a stored value: it, what follows its scheme, the fields of that, and what they are base64 of."""
    rest = re.sub(rb"^\{[^}]*\}", b"", stored)
    pieces = {stored, rest} | set(re.split(rb"[$,:]", rest))
    for piece in list(pieces):
        try:
            pieces.add(base64.b64decode(piece + b"=" * (-len(piece) % 4), validate=True))
        except ValueError:
            continue
    return {piece for piece in pieces if len(piece) > 7}


class Hunt:
    """Passwords, and texts that must not have them."""

    def __init__(self):
        self.typed, self.stored, self.texts = set(), set(), {}
        self.numbers = itertools.count()

    def word(self, more=""):
        """A password that nobody has, with MORE at its end."""
        word = "Typed-%03d-Geheim" % next(self.numbers)
        self.typed.add(word.encode())
        return word + more

    def read(self, name, text):
        self.texts[name] = self.texts.get(name, b"") + (text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))

    def found(self):
        needles = {form for secret in self.typed | {p for s in self.stored for p in parts(s)} for form in forms(secret)}
        out = []
        for name, text in self.texts.items():
            for needle in needles:
                at = text.find(needle)
                if at >= 0:
                    out.append((name, needle, text[text.rfind(b"\n", 0, at) + 1:].split(b"\n", 1)[0][:300]))
        return out


def finds(t, box):
    """The search itself."""
    for text in (b"x Typed-000-Geheim", base64.b64encode(b"ada\0Typed-000-Geheim"), base64.b64encode(b"a Typed-000-Geheim."), b"<%s>" % b"Typed-000-Geheim".hex().encode(),
                  hashlib.sha1(b"adapwsalt").hexdigest().encode() + b"salt".hex().encode(),
                 b"=" + ssha("adapw").encode()[6:]):
        hunt = Hunt()
        hunt.word()
        hunt.stored.add(ssha("adapw").encode())
        hunt.read("a log", text)
        t.ok(hunt.found(), "%r would be found" % text)


# --- all of it together -------------------------------------------------------------------------------------

def values():
    """What can be stored, good and bad."""
    sha512 = base64.b64encode(hashlib.sha512(b"Stored-pw-3" + b"saltsalt").digest() + b"saltsalt").decode()
    return {"ssha": ssha("Stored-pw-1"), "bcrypt": bcrypt("Stored-pw-2", 4), "ssha512": "{SSHA512}" + sha512,
            "sha512crypt": "{CRYPT}" + crypt.crypt("Stored-pw-4", "$6$rounds=1000$saltsaltsalt"), "clear": "Stored-pw-5",
            "cleartext": "{CLEARTEXT}Stored-pw-6", "unknown": "{X-FOO}Stored-pw-7", "broken": "{SSHA}Stored-pw-8!!", "costly": "{CRYPT}$2b$31$Stored.pw.9......",
            "argon": "{ARGON2}$argon2id$v=19$m=65536,t=2,p=1$Stored-pw-10$Stored-pw-10-hash", "sasl": "{SASL}Stored-pw-11",
            "control": "{SSHA}Stored-pw-12\n\x01x", "open": "{SSHAStored-pw-13", "long": "{PBKDF2-SHA256}1000$" + "Stored-pw-14" * 500,
            "locked": "{CRYPT}!Stored-pw-15", "utf8": "{CLEARTEXT}Stored-pw-16-\u00e4"}


class Everything:
    def __init__(self, box, hunt):
        self.box, self.hunt = box, hunt
        tree = authstage.sample()
        tree.mail_domain("osprey.example")
        self.logins = {"ada@tern.example": "adapw", "bob.berg@tern.example": "bobpw", "cas@tern.example": "noEntry", "tern.example": "ternpw"}
        for i, (name, value) in enumerate(values().items()):
            tree.user("osprey.example", name, uid=["%s_osprey_example" % name, "%s@osprey.example" % name], userPassword=value)
            self.logins["%s@osprey.example" % name] = "Stored-pw-%d" % (i + 1)
        hunt.typed |= {word.encode() for word in self.logins.values() if word != "noEntry"}
        hunt.typed |= {b"Stored-pw-", b"manager-secret"}
        for _, attributes in tree.entries.values():
            for name, value in attributes:
                if name.lower() == "userpassword":
                    hunt.stored.add(value if isinstance(value, bytes) else value.encode())
        self.extauth = box.path("extauth")
        self.stage = stage = authstage.AuthStage(box, tree, slapd=True, start=False, settings={
            "saslauth": {"throttle": "no"}, "ldap": {"timeout": "1s"},
            "ftpauth": {"listen": "unix:%s,mode=0600" % self.extauth, "saslauth-socket": box.path("sasl", "mux")}})
        stage.cached.command.append("-vv")
        stage.cached.start()
        stage.start_saslauthd()
        self.ftpauthd = ftpstage.Ftpauthd(box, [servers.built("ftpauth/ispman-ftpauthd"), "-vv", "-c", stage.cached.conf_path], self.extauth)
        self.ftpauthd.start()

    def reload(self):
        for daemon in [self.stage.cached, self.stage.saslauthd, self.ftpauthd]:
            daemon.send(signal.SIGHUP)

    # --- asking -----------------------------------------------------------------------------------

    def ask_all(self):
        """Right and wrong ones, at both."""
        answers = set()
        for login, password in self.logins.items():
            for word in (password, self.hunt.word(), "", self.hunt.word("\0x"), self.hunt.word("\n x>"), self.hunt.word("\udcff\udcfe"), self.hunt.word("x" * 4200)):
                answers.add(mux.ask(self.stage.path, login, word, "imap", "", "192.0.2.7;1"))
                answers.add(pureftpd.ask(self.extauth, account=login, password=word).get("auth_ok") if "\n" not in word else None)
        for login in ("nobody@tern.example", "", "@", "\udcff", "a\0b", "x" * 1025, "ada@tern.example\0x"):
            mux.ask(self.stage.path, login, self.hunt.word(), "imap")
            mux.ask(self.stage.path, login, self.hunt.word(), "x" * 2000, "y" * 2000, "z" * 2000)
            pureftpd.ask(self.extauth, account=login, password=self.hunt.word())
        return answers

    def ask_oddly(self):
        """What no client sends."""
        word = self.hunt.word
        whole = mux.request("ada@tern.example", word(), "imap")
        for path, octets in (
                [(self.stage.path, octets) for octets in (
                    whole[:-3], whole[:25], b"\xff\xff" + word().encode() * 4000, b"\0\0" + whole, whole * 3, word().encode() + b"\n",
                    b"GET /?password=%s HTTP/1.0\r\n\r\n" % word().encode(), mux.request(*[word().encode() + b"\0"] * 2, "imap")[20:])] +
                [(self.extauth, octets) for octets in (
                    b"account:ada@tern.example\npassword:%s\n" % word().encode(), b"password:%s\nend\n" % word().encode(),
                    b"account:ada@tern.example\npasswd:%s\nend\n" % word().encode(), word().encode() + b"\nend\n", b"end\n",
                    b"account:ada@tern.example\npassword:%s\0x\nend\n" % word().encode(), word().encode() * 20000,
                    b"account:ada@tern.example\npassword:%s\npassword:%s\nend\n" % (word().encode(), word().encode()))] +
                [(self.stage.cached.run_dir + "/" + name, octets) for name in os.listdir(self.stage.cached.run_dir) if "control" in name
                 for octets in (word().encode() + b"\n", b'{"command":"explain","login":"ada@tern.example","password":"%s"}\n' % word().encode(),
                                b'{"command":"%s"}\n' % word().encode(), word().encode())]):
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(10)
                s.connect(path)
                try:
                    s.sendall(octets)
                    s.shutdown(socket.SHUT_WR)
                    while s.recv(65536):
                        pass
                except (BrokenPipeError, ConnectionResetError):
                    continue

    # --- reading ----------------------------------------------------------------------------------

    def ctl(self, *words):
        done = self.stage.cached.ctl(*words)
        self.hunt.read("ispmanctl " + " ".join(words), done.stdout + done.stderr)

    def print_all(self, has_directory=True):
        """What ispmanctl knows, and what the programs say of their settings."""
        for words in [["status"], ["problems"], ["wait", "--timeout", "1"]] + [["verify"], ["rebuild", "secret"], ["rebuild", "account"]] * has_directory:
            self.ctl(*words)
            self.ctl(*words, "--json")
        self.ctl("metrics")
        for name in ("bind", "postfix", "cyrus", "pure-ftpd", "apparmor", "slapd"):
            self.ctl("config", name)
        for login in self.logins:
            for command in ("lookup", "explain"):
                self.ctl(command, "account", login)
            self.ctl("explain", "account", login, "--json", "--service", "ftp")
        for program in ("cache/ispman-cached", "saslauth/ispman-saslauthd", "ftpauth/ispman-ftpauthd"):
            for more in ([], ["-o", "ldap.timeout=x"]):
                done = subprocess.run([servers.built(program), "-vv", "-t", "-c", self.stage.cached.conf_path] + more, capture_output=True)
                self.hunt.read(program + " -t", done.stdout + done.stderr)

    def read_logs(self):
        for server in self.box.servers:
            if isinstance(server, (authstage.Saslauthd, servers.Cached, ftpstage.Ftpauthd)):
                with open(server.log_path, "rb") as f:
                    self.hunt.texts[server.name] = f.read()
        for folder, _, names in os.walk(self.stage.cached.run_dir):
            for name in names:
                if os.path.isfile(os.path.join(folder, name)):
                    with open(os.path.join(folder, name), "rb") as f:
                        self.hunt.read(os.path.join(folder, name), f.read())


def everything(t, box):
    """Three daemons with -vv and ispmanctl, with all three ways to verify, and when LDAP fails."""
    hunt = Hunt()
    all_of_it = Everything(box, hunt)
    stage = all_of_it.stage
    answers = all_of_it.ask_all()
    t.ok({"OK", "NO", "1", "-1"} <= answers, "logins are accepted and refused", answers)
    all_of_it.ask_oddly()
    all_of_it.print_all()
    for verify in ("bind", "hash-then-bind"):
        stage.configure(verify=verify)
        all_of_it.reload()
        stage.cached.wait()
        answers = all_of_it.ask_all()
        t.ok({"OK", "NO", "1", "-1"} <= answers, "the same with verify = " + verify, answers)
    all_of_it.print_all()
    # A mistake in the configuration; then a password that the directory refuses.
    kept = dict(stage.cached.settings["ldap"])
    stage.cached.settings["ldap"]["timeout"] = "nonsense"
    stage.cached.write_conf()
    all_of_it.reload()
    stage.cached.settings["ldap"] = dict(kept, **{"bind-password-file": box.write("wrong-password", hunt.word("\n"))})
    os.chmod(box.path("wrong-password"), 0o600)
    stage.cached.write_conf()
    stage.cached.stop()
    stage.cached.start(wait=False)
    servers.wait_until(lambda: "the server refuses" in stage.cached.log(), "the directory to refuse ispman-cached")
    all_of_it.print_all(has_directory=False)
    stage.cached.settings["ldap"] = kept
    stage.cached.write_conf()
    stage.cached.stop()
    stage.cached.start()
    stage.configure(verify="bind")
    saslscene.freeze(stage.directory.slapd)
    t.same(stage.ask("ada@tern.example", "adapw"), mux.CANNOT_TELL, "LDAP is silent")
    stage.directory.slapd.send(signal.SIGCONT)
    stage.directory.slapd.stop()
    t.same([stage.ask("ada@tern.example", word) for word in ("adapw", hunt.word())], [mux.CANNOT_TELL] * 2, "LDAP is gone")
    t.same(pureftpd.ask(all_of_it.extauth, account="ada@tern.example", password="adapw"), {"auth_ok": "-1"}, "FTP says so, too")
    all_of_it.print_all(has_directory=False)
    stage.saslauthd.stop()
    t.same(pureftpd.ask(all_of_it.extauth, account="ada@tern.example", password=hunt.word()), {"auth_ok": "-1"}, "without ispman-saslauthd")
    all_of_it.read_logs()
    for name, sign in (("saslauthd", b"debug: login accepted"), ("saslauthd", b"login refused"), ("ftpauthd", b"debug: login"), ("cached", b"the server refuses")):
        t.ok(sign in hunt.texts[name], "the log of %s has %s" % (name, sign.decode()), sorted(hunt.texts))
    t.same(hunt.found(), [], "%d typed passwords, %d stored ones: in none of %d logs and outputs" % (len(hunt.typed), len(hunt.stored), len(hunt.texts)))


# --- ispman-saslauthd by itself -----------------------------------------------------------------------------

def alone(t, box):
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


def missing():
    return saslscene.missing() or ftpstage.missing()


if __name__ == "__main__":
    authstage.main("sasl-secrets", [finds, alone, everything], (), missing)
