# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""The real Postfix, a private instance of it: own configuration, queue and data folders, a high port of
127.0.0.1. A Postfix that this machine runs is not touched.

    with servers.Sandbox("x") as box, lmtp_sink.Sink() as sink:
        mta = postfix.Postfix(box, main=FRAGMENT, hosts={"mail1.isp.example": "127.0.0.1"}, lmtp_port=sink.port)
        mta.start()
        mta.query("socketmap:unix:ispman/socketmap:virtual", "ada@tern.example")
        with mta.session() as smtp:
            smtp.send("x@away.example", ["ada@tern.example"], subject="hello")

As in Debian's master.cf the daemons are chrooted in the queue folder; what they need of /etc is made there. Postfix's
master must be started by root. With $ISPMAN_POSTFIX_ROOT the programs are those unpacked there (tests/unpack_packages.sh), for
machines on which another mail server is installed.
"""

import base64
import ctypes
import grp
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess

import servers

ROOT = os.environ.get("ISPMAN_POSTFIX_ROOT", "").rstrip("/")
SBIN = ROOT + "/usr/sbin"
DAEMONS = ROOT + "/usr/lib/postfix/sbin"
LIBRARIES = ROOT + "/usr/lib/postfix"

MASTER = """
127.0.0.1:%(port)d inet n - y - %(processes)s smtpd
pickup     unix       n - y 60    1 pickup
cleanup    unix       n - y -     0 cleanup
qmgr       unix       n - n 300   1 qmgr
tlsmgr     unix       - - y 1000? 1 tlsmgr
rewrite    unix       - - y -     - trivial-rewrite
bounce     unix       - - y -     0 bounce
defer      unix       - - y -     0 bounce
trace      unix       - - y -     0 bounce
verify     unix       - - y -     1 verify
flush      unix       n - y 1000? 0 flush
proxymap   unix       - - n -     - proxymap
proxywrite unix       - - n -     1 proxymap
smtp       unix       - - y -     - smtp
relay      unix       - - y -     - smtp
showq      unix       n - y -     - showq
error      unix       - - y -     - error
retry      unix       - - y -     - error
discard    unix       - - y -     - discard
local      unix       - n n -     - local
virtual    unix       - n n -     - virtual
lmtp       unix       - - y -     - lmtp
anvil      unix       - - y -     1 anvil
scache     unix       - - y -     1 scache
postlog    unix-dgram n - n -     1 postlogd
"""

MAIN = """
compatibility_level = 3.6
queue_directory = %(queue)s
data_directory = %(data)s
command_directory = %(sbin)s
daemon_directory = %(daemons)s
shlib_directory = %(libraries)s
meta_directory = %(meta)s
import_environment = $(import_default)
mail_owner = %(owner)s
setgid_group = %(group)s
default_privs = nobody
maillog_file = %(log)s
maillog_file_prefixes = %(folder)s
myhostname = mx.isp.example
mydestination =
myorigin = $myhostname
alias_maps =
alias_database =
local_recipient_maps =
mynetworks = 127.0.0.9/32
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_error_sleep_time = 0
smtpd_hard_error_limit = 1000
smtpd_soft_error_limit = 1000
smtpd_junk_command_limit = 100000
smtp_host_lookup = native
lmtp_host_lookup = native
smtp_address_preference = ipv4
smtp_destination_rate_delay = 0
lmtp_tcp_port = %(lmtp_port)d
known_tcp_ports = smtp=%(smtp_port)d
default_destination_concurrency_limit = 20
"""

QUEUE_FOLDERS = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved",
                 "trace")


class Temporary(Exception):
    """postmap could not tell."""


def missing():
    """A sentence about what is lacking, or None."""
    if not os.access(DAEMONS + "/master", os.X_OK) or not os.access(SBIN + "/postmap", os.X_OK):
        return "Postfix is not installed"
    if os.geteuid() != 0:
        return "Postfix starts as root only"
    return None


def owner():
    """User and set-gid group of the instance: Postfix's own, or with unpacked programs ones that every Debian has."""
    try:
        pwd.getpwnam("postfix")
        grp.getgrnam("postdrop")
        return "postfix", "postdrop"
    except KeyError:
        return "games", "operator"


def environment():
    if not ROOT:
        return {}
    folders = [LIBRARIES, ROOT + "/usr/lib/x86_64-linux-gnu", ROOT + "/usr/lib/aarch64-linux-gnu",
               os.environ.get("LD_LIBRARY_PATH", "")]
    return {"LD_LIBRARY_PATH": ":".join(f for f in folders if f)}


class Postfix(servers.Server):
    """SETTINGS {name: value} and the text MAIN go to main.cf in this order; MASTER_LINES to master.cf. HOSTS {name: address} is what
    smtp and lmtp find; to which ports they deliver are LMTP_PORT and SMTP_PORT. PROCESSES limits smtpd."""

    def __init__(self, box, main="", settings=None, master_lines="", hosts=None, lmtp_port=24, smtp_port=25,
                 processes="-", name="postfix", port=None):
        name = box._unique(name)
        self.folder = box.path(name)
        self.etc, self.queue, self.data = (os.path.join(self.folder, d) for d in ("etc", "queue", "data"))
        self.mail_log = os.path.join(self.folder, "mail.log")
        self.port = port or servers.free_port()
        self.owner, self.group = owner()
        self.hosts = dict(hosts or {})
        self.environ = environment()
        super().__init__(box, name, [DAEMONS + "/master", "-c", self.etc, "-d"], self.environ)
        words = {"queue": self.queue, "data": self.data, "sbin": SBIN, "daemons": DAEMONS, "libraries": LIBRARIES,
                 "meta": self.etc, "owner": self.owner, "group": self.group, "log": self.mail_log,
                 "folder": self.folder, "lmtp_port": lmtp_port, "smtp_port": smtp_port, "port": self.port, "processes": processes}
        imported = "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C"
        imported += "".join(" %s=%s" % pair for pair in self.environ.items())
        self.base = MAIN.replace("$(import_default)", imported) % words
        self.base += "".join("%s = %s\n" % pair for pair in (settings or {}).items())
        self.master_text = MASTER % words + master_lines
        self._make_folders()
        self.configure(main)
        box.servers.append(self)

    # --- folders and files ------------------------------------------------------------------------

    def _make_folders(self):
        uid, gid = pwd.getpwnam(self.owner).pw_uid, grp.getgrnam(self.group).gr_gid

        def folder(path, mode, user=0, group=0):
            os.makedirs(path, exist_ok=True)
            os.chown(path, user, group)
            os.chmod(path, mode)

        for path in (self.folder, self.etc, self.queue, self.queue + "/pid", self.queue + "/etc"):
            folder(path, 0o755)
        for name in QUEUE_FOLDERS:
            folder(os.path.join(self.queue, name), 0o700, uid)
        folder(self.queue + "/maildrop", 0o730, uid, gid)
        folder(self.queue + "/public", 0o710, uid, gid)
        folder(self.data, 0o700, uid)
        # Where sockets of ours stand: seen from inside the chroot as ispman/NAME.
        folder(self.queue + "/ispman", 0o755)
        self._write(self.etc + "/dynamicmaps.cf", "".join(
            "%s %s/postfix-%s.so dict_%s_open%s\n" % (kind, LIBRARIES, kind, kind, more)
            for kind, more in (("ldap", ""), ("lmdb", " mkmap_lmdb_open"))
            if os.path.exists("%s/postfix-%s.so" % (LIBRARIES, kind))))
        self._write(self.queue + "/etc/hosts", "127.0.0.1 localhost\n" + "".join(
            "%s %s\n" % (address, name) for name, address in self.hosts.items()))
        self._write(self.queue + "/etc/nsswitch.conf", "hosts: files\n")
        self._write(self.queue + "/etc/resolv.conf", "")
        if os.path.exists("/etc/localtime"):
            shutil.copy("/etc/localtime", self.queue + "/etc/localtime")

    @staticmethod
    def _write(path, text):
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o644)

    def configure(self, main):
        """Another MAIN for main.cf; follow with reload() when it runs. MAIN wins over what stands before it."""
        stated = set(re.findall(r"(?m)^([a-z0-9_]+)[ \t]*=", main))
        base = "".join(line + "\n" for line in self.base.splitlines()
                       if line.split("=")[0].strip() not in stated)
        self._write(self.etc + "/main.cf", base + main)
        self._write(self.etc + "/master.cf", self.master_text)

    @property
    def socket_folder(self):
        return self.queue + "/ispman"

    # --- the programs -----------------------------------------------------------------------------

    def run(self, program, *args, text=None):
        return subprocess.run([SBIN + "/" + program, "-c", self.etc] + list(args), cwd=self.queue, input=text,
                              capture_output=True, env=dict(os.environ, **self.environ))

    def query(self, table, key):
        """postmap -q: the value, or None when there is none. Temporary when it could not tell. It stands in the queue
        folder, so that relative socket paths are as for the daemons."""
        done = self.run("postmap", "-q", key, table)
        words = done.stderr.decode("utf-8", "replace").strip()
        if done.returncode == 0 and not words:
            return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")
        if words:
            raise Temporary(words)
        return None

    def query_all(self, table, keys):
        """{key: value} of one postmap -q -, for KEYS without line feeds; a missing one has no value."""
        done = self.run("postmap", "-q", "-", table, text="".join(k + "\n" for k in keys).encode("utf-8", "surrogateescape"))
        words = done.stderr.decode("utf-8", "replace").strip()
        if words:
            raise Temporary(words)
        lines = done.stdout.decode("utf-8", "surrogateescape").splitlines()
        return dict(line.split("\t", 1) for line in lines)

    def check(self):
        """What postconf has to say against the configuration; empty when it is fine."""
        done = self.run("postconf", "-n")
        again = self.run("postconf", "-M")
        return (done.stderr + again.stderr).decode("utf-8", "replace").strip()

    def setting(self, name):
        return self.run("postconf", "-hx", name).stdout.decode().strip()

    # --- the process ------------------------------------------------------------------------------

    def spawn(self):
        # A session of its own: master ends its whole process group.
        libc = ctypes.CDLL(None)

        def prepare():
            os.setsid()
            libc.prctl(1, signal.SIGKILL)

        environ = dict(os.environ, **self.env)
        self.log_start = os.path.getsize(self.mail_log) if os.path.exists(self.mail_log) else 0
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.queue, env=environ, preexec_fn=prepare)

    def start(self):
        self.spawn()

        def ready():
            try:
                with self.session(timeout=5):
                    return True
            except (OSError, Refused):
                return False

        servers.wait_until(ready, "Postfix to greet", process=self.process)
        return self

    def log(self):
        try:
            with open(self.mail_log, "rb") as f:
                f.seek(self.log_start)
                return f.read().decode("utf-8", "replace")
        except FileNotFoundError:
            with open(self.log_path, "rb") as f:
                return f.read().decode("utf-8", "replace")

    def reload(self):
        """As `postfix reload`: main.cf and master.cf anew, processes end when their session does."""
        before = self.log().count("reload -- version")
        self.send(signal.SIGHUP)
        servers.wait_until(lambda: self.log().count("reload -- version") > before, "Postfix to reload",
                           process=self.process)

    # --- mail ---------------------------------------------------------------------------------------

    def session(self, source="127.0.0.1", timeout=60, hello="client.example", port=None):
        """A greeted SMTP session. From 127.0.0.9 it may send anywhere."""
        return Session(("127.0.0.1", port or self.port), source, timeout, hello)

    def queue_ids(self):
        """Files of messages that are not delivered yet."""
        found = []
        for name in ("incoming", "active", "deferred", "maildrop"):
            for _, _, files in os.walk(os.path.join(self.queue, name)):
                found += files
        return found

    def wait_empty(self, deadline=None):
        servers.wait_until(lambda: not self.queue_ids(), "the queue to be empty", deadline, self.process)

    def answers_of(self, word):
        """The log lines that have WORD."""
        return [line for line in self.log().splitlines() if word in line]


class Refused(Exception):
    """An SMTP reply that is not what was hoped for."""

    def __init__(self, reply):
        super().__init__("%d %s" % reply)
        self.code, self.text = reply


class Session:
    """SMTP, as it is typed: addresses go out as they are given, in UTF-8."""

    def __init__(self, address, source, timeout, hello):
        self.socket = socket.create_connection(address, timeout, (source, 0))
        try:
            self.lines = self.socket.makefile("rb")
            self.want(2, self.reply())
            self.extensions = self.want(2, self.command("EHLO " + hello)).split("\n")[1:]
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        try:
            self.command("QUIT")
        except (OSError, ValueError):
            pass
        self.lines.close()
        self.socket.close()

    def reply(self):
        """(code, text)."""
        texts = []
        while True:
            line = self.lines.readline()
            if not line:
                raise ConnectionResetError("the session was closed")
            texts.append(line[4:].decode("utf-8", "replace").rstrip("\r\n"))
            if line[3:4] != b"-":
                return int(line[:3]), "\n".join(texts)

    def command(self, line):
        self.socket.sendall(line.encode("utf-8", "surrogateescape") + b"\r\n")
        return self.reply()

    @staticmethod
    def want(first_digit, reply):
        if reply[0] // 100 != first_digit:
            raise Refused(reply)
        return reply[1]

    def mail(self, sender, options=""):
        return self.command("MAIL FROM:<%s>%s" % (sender, options and " " + options))

    def rcpt(self, recipient, options=""):
        return self.command("RCPT TO:<%s>%s" % (recipient, options and " " + options))

    def reset(self):
        return self.command("RSET")

    def data(self, message):
        self.want(3, self.command("DATA"))
        body = message.replace("\r\n", "\n").replace("\n", "\r\n").replace("\r\n.", "\r\n..")
        return self.command(body + "\r\n.")

    def send(self, sender, recipients, subject="test", options="", rcpt_options=""):
        """A whole message. Refused when anything is not accepted."""
        self.want(2, self.mail(sender, options))
        for recipient in recipients:
            self.want(2, self.rcpt(recipient, rcpt_options))
        return self.want(2, self.data("From: test@away.example\nSubject: %s\n\nHello.\n" % subject))

    def try_recipient(self, recipient, sender="someone@away.example", options=""):
        """(code, text) of RCPT, in a transaction of its own."""
        self.reset()
        self.want(2, self.mail(sender, options))
        return self.rcpt(recipient)

    def login(self, name, password):
        self.reset()
        secret = base64.b64encode(("\0%s\0%s" % (name, password)).encode()).decode()
        return self.command("AUTH PLAIN " + secret)

    def login_in_steps(self, name, password):
        """AUTH LOGIN: name and password are asked for one after the other."""
        reply = self.command("AUTH LOGIN")
        for text in (name, password):
            if reply[0] != 334:
                return reply
            reply = self.command(base64.b64encode(text.encode()).decode())
        return reply
