# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""A private Cyrus IMAP server on loopback, with IMAP and POP, that asks a saslauthd socket about passwords.

    store = cyrus.Cyrus(box, "/path/of/mux", virtdomains="userid").start()
    store.imap("ada@tern.example", "adapw")         # "OK", or what the server said against it
"""

import contextlib
import ctypes
import imaplib
import os
import poplib
import pwd
import re
import signal
import socket
import subprocess

import servers
import unpacked

FOLDER = "/usr/lib/cyrus/bin"

# Logging in creates the mailbox, as in Debian.
IMAPD = """
configdirectory: %(folder)s/conf
partition-default: %(folder)s/spool
defaultpartition: default
sievedir: %(folder)s/sieve
idlesocket: %(folder)s/conf/socket/idle
lmtpsocket: %(folder)s/conf/socket/lmtp
notifysocket: %(folder)s/conf/socket/notify
servername: mail1.isp.example
defaultdomain: %(domain)s
admins: cyrus
allowplaintext: yes
sasl_mech_list: PLAIN LOGIN
sasl_pwcheck_method: saslauthd
sasl_saslauthd_path: %(mux)s
virtdomains: %(virtdomains)s
unixhierarchysep: yes
altnamespace: no
autocreate_quota: 0
failedloginpause: 0
popminpoll: 0
duplicatesuppression: no
cyrus_user: %(user)s
"""

CYRUS = """
START {
  recover cmd="%(bin)s/ctl_cyrusdb -C %(conf)s -r"
}
SERVICES {
  imap cmd="%(bin)s/imapd -C %(conf)s -U 30" listen="127.0.0.1:%(imap_port)d" prefork=0 maxchild=50
  pop3 cmd="%(bin)s/pop3d -C %(conf)s -U 30" listen="127.0.0.1:%(pop_port)d" prefork=0 maxchild=50
}
EVENTS {
}
"""


def missing():
    for path in (FOLDER + "/master", FOLDER + "/imapd", FOLDER + "/pop3d"):
        if not unpacked.find(path):
            return "Cyrus IMAP and POP are neither installed nor unpacked (%s)" % path
    return None


class Cyrus(servers.Server):
    """FRAGMENT: lines of imapd.conf that win over ours, but for what is said of passwords without TLS."""

    def __init__(self, box, mux, virtdomains="userid", domain="isp.example", fragment=""):
        name = box._unique("cyrus")
        self.folder = box.path(name)
        self.imap_port, self.pop_port = servers.free_port(), servers.free_port()
        # Its programs refuse to be root.
        self.account = pwd.getpwuid(os.geteuid())
        if os.geteuid() == 0:
            self.account = pwd.getpwnam("games")
        for path in ("", "conf", "conf/socket", "conf/proc", "conf/db", "conf/log", "conf/msg", "conf/ptclient", "conf/lock",
                     "spool", "spool/stage.", "sieve"):
            full = os.path.join(self.folder, path)
            os.makedirs(full, exist_ok=True)
            os.chown(full, self.account.pw_uid, self.account.pw_gid)
        master = unpacked.find(FOLDER + "/master")
        words = {"folder": self.folder, "mux": mux, "virtdomains": virtdomains, "domain": domain, "bin": os.path.dirname(master),
                 "user": self.account.pw_name, "conf": self.folder + "/imapd.conf", "imap_port": self.imap_port,
                 "pop_port": self.pop_port}
        stated = dict(re.findall(r"(?m)^(\w+):(.*)$", fragment))
        stated.pop("allowplaintext", None)
        self._write("imapd.conf", "".join(line + "\n" for line in (IMAPD % words).splitlines() if line.split(":")[0] not in stated) +
                    "".join("%s:%s\n" % pair for pair in stated.items()))
        self._write("cyrus.conf", CYRUS % words)
        super().__init__(box, name, [master, "-D", "-C", self.folder + "/imapd.conf", "-M", self.folder + "/cyrus.conf",
                                     "-p", self.folder + "/conf/master.pid"], unpacked.environment(master))
        self.own_group = True
        box.servers.append(self)

    def _write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as f:
            f.write(text)

    def spawn(self):
        libc, account = ctypes.CDLL(None), self.account

        def prepare():
            os.setsid()
            if os.geteuid() == 0:
                os.initgroups(account.pw_name, account.pw_gid)
                os.setgid(account.pw_gid)
                os.setuid(account.pw_uid)
            libc.prctl(1, signal.SIGKILL)

        with open(self.log_path, "ab") as log:
            self.log_start = log.tell()
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                                            env=dict(os.environ, **self.env), preexec_fn=prepare)

    def start(self):
        self.spawn()

        def ready():
            try:
                with socket.create_connection(("127.0.0.1", self.imap_port), 5) as s:
                    return s.recv(100).startswith(b"* OK")
            except OSError:
                return False

        servers.wait_until(ready, "Cyrus to greet", process=self.process)
        return self

    @contextlib.contextmanager
    def session(self):
        imap = imaplib.IMAP4("127.0.0.1", self.imap_port, timeout=servers.DEADLINE)
        try:
            yield imap
        finally:
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                imap.logout()

    def imap(self, login, password, then=None):
        """LOGIN, with THEN called for the session: "OK", or the server's words."""
        with self.session() as imap:
            return self._judge(imap, lambda: imap._simple_command("LOGIN", login, imap._quote(password)), then)

    def imap_plain(self, login, password, then=None):
        """AUTHENTICATE PLAIN."""
        secret = ("\0%s\0%s" % (login, password)).encode()
        with self.session() as imap:
            return self._judge(imap, lambda: imap.authenticate("PLAIN", lambda _: secret), then)

    @staticmethod
    def _judge(imap, login, then):
        try:
            kind, words = login()
        except imaplib.IMAP4.error as e:
            return str(e).strip("b'\"")
        if kind != "OK":
            return words[0].decode("utf-8", "replace")
        imap.state = "AUTH"
        if then is not None:
            then(imap)
        return "OK"

    def pop(self, login, password):
        """USER and PASS: "OK", or the server's words."""
        pop = poplib.POP3("127.0.0.1", self.pop_port, timeout=servers.DEADLINE)
        try:
            pop.user(login)
            pop.pass_(password)
            return "OK"
        except poplib.error_proto as e:
            return str(e).strip("b'\"")
        finally:
            with contextlib.suppress(poplib.error_proto, OSError):
                pop.quit()
