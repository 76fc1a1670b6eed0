# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""slapd or an LDIF file, ispman-cached and ispman-saslauthd around one tree; on demand the programs that ask for passwords: a real
Postfix with chrooted daemons, and Cyrus.

    with servers.Sandbox("x") as box:
        stage = AuthStage(box, tree, slapd=True)
        stage.ask("ada@tern.example", "adapw", "imap")       # "OK", "NO", or None: no reply
        with stage.postfix().session() as smtp: smtp.login("ada@tern.example", "adapw")
        stage.cyrus("userid").imap("ada@tern.example", "adapw")
"""

import base64
import contextlib
import hashlib
import os
import re
import socket

import cyrus
import handed
import mailstage
import mux
import postfix
import pressure
import servers
import stage as operation
import stock
import treesource

# Passwords of tests/data/sample.ldif.
SECRETS = {"ispman": "adminpw", "cyrus": "cyruspw", "northcoast": "northpw", "lindworks": "lindpw", "tern.example": "ternpw",
           "gull.example": "gullpw", "wren.example": "wrenpw", "crow.example": "crowpw", "ada": "adapw", "bob.berg": "bobpw",
           "cas": "noEntry", "www.tern.example": "wwwpw", "www.tern.example:8080": "apppw", "webguest": "guestpw"}

# For tests that try one wrong password after another.
UNTHROTTLED = {"saslauth": {"throttle": "no"}}

MAIN = """
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = %s
smtpd_sasl_security_options = noanonymous
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
max_use = 20
max_idle = 2s
"""
# As smtpd sees it: its root is the queue folder.
SMTPD_CONF = """pwcheck_method: saslauthd
mech_list: PLAIN LOGIN
saslauthd_path: /ispman/mux
log_level: 7
"""


def missing(*more):
    """MORE: "postfix", "cyrus", "testsaslauthd", "saslauthd" (the stock one), or as servers.missing()."""
    if not servers.built("saslauth/ispman-saslauthd"):
        return "ispman-saslauthd is not built"
    return servers.missing("cached", "ispmanctl") or missing_programs(*more)


def missing_programs(*names):
    for name in names:
        if name == "postfix":
            why = postfix.missing()
        elif name == "cyrus":
            why = cyrus.missing()
        elif name in ("testsaslauthd", "saslauthd"):
            why = stock.missing(name)
        else:
            why = servers.missing(name)
        if why:
            return why
    return None


def sasl_postfix(box, printed=None, **options):
    """Postfix with SMTP AUTH; whoever answers at its socket_folder + "/mux" decides. PRINTED(queue folder): what `ispmanctl config
    postfix` prints is used."""
    mta = postfix.Postfix(box, **options)
    folder = os.path.join(mta.etc, "sasl")
    main, conf = MAIN % folder, SMTPD_CONF
    if printed:
        part = printed(mta.queue).split("# --- SMTP AUTH")[1]
        conf = "".join(re.findall(r"(?m)^#(\w+: .*\n)", part))
        stated = dict(re.findall(r"(?m)^(\w+) =(.*)$", part))
        main = "".join(line + "\n" for line in main.splitlines() if line.split(" =")[0] not in stated)
        main += "".join("%s =%s\n" % pair for pair in stated.items())
    os.makedirs(folder)
    with open(folder + "/smtpd.conf", "w") as f:
        f.write(conf)
    mta.configure(main)
    return mta


def ssha(password, salt=b"salt"):
    """PASSWORD as it is stored."""
    return "{SSHA}" + base64.b64encode(hashlib.sha1(password.encode() + salt).digest() + salt).decode()


class Saslauthd(handed.Handed):
    """ispman-saslauthd."""

    def __init__(self, box, conf_path, paths, inherited=False, options=()):
        command = [servers.built("saslauth/ispman-saslauthd"), "-c", conf_path] + list(options)
        super().__init__(box, "saslauthd", command, paths, inherited)

    def start(self, wait=True):
        """WAIT: until it answers; False: until it listens."""
        self.spawn()
        servers.wait_until(self.answers if wait else self.listens, "ispman-saslauthd", process=self.process)
        return self

    def listens(self):
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(self.paths[0]) == 0

    def answers(self):
        """Whether it says no to a login that cannot be."""
        try:
            return mux.ask(self.paths[0], "@", "x", "imap", timeout=5) == mux.NO
        except OSError:
            return False


class AuthStage(treesource.TreeSource):
    """SETTINGS {section: {key: value}} on top of what is needed. With READER ispman-cached binds as its entry, under the rights of
    stage.Reader.access; else as the manager."""

    def __init__(self, box, tree, slapd=False, settings=None, inherited=False, start=True, verbose=True, options=(), **slapd_options):
        self.path = box.path("sasl", "mux")
        os.makedirs(box.path("sasl"), exist_ok=True)
        self.mta = None
        self.settings = {"saslauth": {"listen": "unix:%s,mode=0666" % self.path}}
        for section, values in (settings or {}).items():
            self.settings.setdefault(section, {}).update(values)
        self.slapd_options, self.inherited = slapd_options, inherited
        self.options = (["-vv"] if verbose else []) + list(options)
        self.serve_tree(box, tree, slapd, self.settings, start, **slapd_options)
        self.saslauthd = None
        if start:
            self.start_saslauthd()

    def start_saslauthd(self, paths=None, **options):
        """PATHS instead of its one socket; inherited if so they are."""
        paths = paths or [self.path]
        if not self.inherited:
            self.cached.settings["saslauth"]["listen"] = " ".join("unix:%s,mode=0666" % p for p in paths)
            self.cached.write_conf()
        self.saslauthd = Saslauthd(self.box, self.cached.conf_path, paths, self.inherited, self.options)
        return self.saslauthd.start(**options)

    def configure(self, **login):
        """Other values in [login] (underscores for hyphens), and a daemon that follows them. None takes a value away."""
        section = self.cached.settings.setdefault("login", {})
        section.clear()
        section.update({name.replace("_", "-"): value for name, value in login.items() if value is not None})
        self.cached.write_conf()
        self.saslauthd.stop()
        self.saslauthd.start()

    # --- asking -----------------------------------------------------------------------------------

    def ask(self, login, password, service="imap"):
        return mux.ask_as_libsasl(self.path, login, password, service)

    def asked(self, rows, service="imap"):
        """{login: answer} for rows (login, password)."""
        return {login: self.ask(login, password, service) for login, password in rows}

    # --- who asks -----------------------------------------------------------------------------------

    def postfix(self, wait=True, **options):
        """Started on the first call; ispman-saslauthd then has a second socket inside its chroot."""
        if self.mta is None:
            self.mta = sasl_postfix(self.box, **options)
            if self.saslauthd is not None:
                self.saslauthd.stop()
                self.box.servers.remove(self.saslauthd)
                for s in self.saslauthd.listeners:
                    s.close()
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.path)
            self.start_saslauthd([self.path, self.mta.socket_folder + "/mux"], wait=wait)
            self.mta.start()
        return self.mta

    def cyrus(self, virtdomains, **options):
        return cyrus.Cyrus(self.box, self.path, virtdomains, **options).start()

    # --- secrets ------------------------------------------------------------------------------------

    def leaks(self, secrets):
        """[(log, line)] of every program of ours that shows one of SECRETS."""
        found = []
        for server in self.box.servers:
            if not isinstance(server, (Saslauthd, servers.Cached)):
                continue
            with open(server.log_path, "rb") as f:
                text = f.read()
            for secret in (s.encode() for s in secrets):
                at = text.find(secret)
                if at >= 0:
                    line = text[text.rfind(b"\n", 0, at) + 1:].split(b"\n", 1)[0]
                    found.append((server.name, line.decode("utf-8", "replace")))
        return found


def stored_values(tree):
    """Every password of a tree as it is stored, without its {SCHEME} too."""
    out = set()
    for _, attributes in tree.entries.values():
        for name, value in attributes:
            if name.lower() == "userpassword":
                text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                out.add(text)
                out.add(re.sub(r"^\{[^}]*\}", "", text))
    return {text for text in out if len(text) > 7}


Load = pressure.Load


def main(name, tests, needs, ready=missing):
    operation.run(name, tests, ready(*needs))


def sample():
    return mailstage.sample()

