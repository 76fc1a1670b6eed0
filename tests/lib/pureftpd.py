# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""A real Pure-FTPd on loopback, and what stands at the two ends of ispman-ftpauthd in tests: a client of extauth, a server of
saslauthd's protocol that says what it is told to.

    ftp = pureftpd.PureFtpd(box, extauth_socket, behind={"joe": "secret"}).start()
    with ftp.session("ada@tern.example", "adapw") as session: session.storbinary(...)
    pureftpd.ask(path, account="ada@tern.example", password="adapw")      # {"auth_ok": "1", "uid": ...}
"""

import contextlib
import ftplib
import io
import os
import socket
import socketserver
import subprocess
import threading

import servers
import unpacked


def missing():
    if os.geteuid() != 0:
        return "Pure-FTPd changes users and roots: root rights are needed"
    if not unpacked.find("/usr/sbin/pure-ftpd") or not unpacked.find("/usr/bin/pure-pw"):
        return "pure-ftpd is not installed"
    return None


# --- extauth ---------------------------------------------------------------------------------------------


def request(**values):
    """What Pure-FTPd 1.0.50 sends, with VALUES in place of what it would say."""
    lines = {"account": "", "password": "", "localhost": "127.0.0.1", "localport": "21", "peer": "127.0.0.1", "sni_name": "",
             "encrypted": "0"}
    lines.update(values)
    return "".join("%s:%s\n" % pair for pair in lines.items()).encode("utf-8", "surrogateescape") + b"end\n"


def read_to_end(connection):
    """As Pure-FTPd reads: up to the end, and an error counts for no reply at all."""
    data = b""
    while True:
        more = connection.recv(4095)
        if not more:
            return data
        data += more


def parse(octets):
    """The fields of a reply; {} is what Pure-FTPd takes for "ask the next method", raises when "end" is missing."""
    if not octets:
        return {}
    lines = octets.decode("utf-8", "surrogateescape").split("\n")
    if lines[-2:] != ["end", ""]:
        raise ValueError("a reply without end: %r" % octets)
    return dict(line.split(":", 1) for line in lines[:-2])


def connect(path, timeout=60):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(timeout)
    connection.connect(path)
    return connection


def ask_octets(path, octets, timeout=60):
    with connect(path, timeout) as connection:
        connection.sendall(octets)
        return parse(read_to_end(connection))


def ask(path, timeout=60, **values):
    return ask_octets(path, request(**values), timeout)


# --- passwords -------------------------------------------------------------------------------------------


class Mux:
    """Whom ispman-ftpauthd asks about passwords. PASSWORDS {login: password or (password, uuid)}; ANSWER(login, password, strings)
    decides before that and returns octets to send, None to go on, or False to close without a word. It can wait."""

    def __init__(self, path, passwords=None, answer=None):
        self.path, self.passwords, self.answer = path, dict(passwords or {}), answer
        self.asked = []
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                strings = outer._read(self.request)
                if strings:
                    outer._reply(self.request, strings)

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True
            request_queue_size = 4096

        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self.server = Server(path, Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @staticmethod
    def _read(connection):
        data, strings = b"", []
        while len(strings) < 5:
            while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2], "big"):
                more = connection.recv(65536)
                if not more:
                    return None
                data += more
            end = 2 + int.from_bytes(data[:2], "big")
            strings.append(data[2:end].decode("utf-8", "surrogateescape"))
            data = data[end:]
        return strings

    def _reply(self, connection, strings):
        self.asked.append(strings)
        octets = self.answer(strings[0], strings[1], strings) if self.answer else None
        if octets is False:
            return
        if octets is None:
            known = self.passwords.get(strings[0])
            password, uuid = known if isinstance(known, tuple) else (known, None)
            octets = counted("NO") if password is None or password != strings[1] else counted("OK" + (" " + uuid if uuid else ""))
        with contextlib.suppress(OSError):
            connection.sendall(octets)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)


def counted(text):
    octets = text.encode()
    return len(octets).to_bytes(2, "big") + octets


def uuid_of(number):
    """The entryUUID that tests/lib/login_text.h makes of a number."""
    return "00000000-0000-0000-0000-0000000000%02x" % number


# --- Pure-FTPd -------------------------------------------------------------------------------------------


class PureFtpd(servers.Server):
    """BEHIND {login: password}: users of a method behind extauth; whoever is let in as one of them was not judged by us."""

    own_group = True

    def __init__(self, box, extauth, behind=None, options=(), clients=50):
        name = box._unique("pure-ftpd")
        self.port = servers.free_port()
        self.behind_home = box.path(name + "-behind")
        os.makedirs(self.behind_home)
        os.chmod(self.behind_home, 0o777)
        self.program = unpacked.find("/usr/sbin/pure-ftpd")
        command = [self.program, "-S", "127.0.0.1,%d" % self.port, "-l", "extauth:" + extauth]
        if behind:
            command += ["-l", "puredb:" + self._make_users(box, name, behind)]
        # Numbers for names, no anonymous users, no PID file where another server has its own.
        command += ["-H", "-E", "-u", "1", "-c", str(clients), "-C", str(clients), "-g", box.path(name + ".pid"), *options]
        super().__init__(box, name, command, unpacked.environment(self.program))
        box.servers.append(self)

    def _make_users(self, box, name, users):
        program = unpacked.find("/usr/bin/pure-pw")
        passwd, database = box.path(name + ".passwd"), box.path(name + ".pdb")
        for login, password in users.items():
            subprocess.run([program, "useradd", login, "-f", passwd, "-u", "65534", "-g", "65534", "-d", self.behind_home],
                           input="%s\n%s\n" % (password, password), text=True, check=True, capture_output=True,
                           env=dict(os.environ, **unpacked.environment(program)))
        subprocess.run([program, "mkdb", database, "-f", passwd], check=True, capture_output=True,
                       env=dict(os.environ, **unpacked.environment(program)))
        return database

    def start(self):
        self.spawn()

        def ready():
            try:
                ftp = ftplib.FTP(timeout=5)
                ftp.connect("127.0.0.1", self.port)
                ftp.close()
                return True
            except (OSError, EOFError, ftplib.Error):
                return False

        servers.wait_until(ready, "Pure-FTPd to greet", process=self.process)
        return self

    def session(self, login, password, timeout=60):
        """Logged in; ftplib.error_perm when it is refused."""
        ftp = ftplib.FTP(timeout=timeout, encoding="utf-8")
        ftp.connect("127.0.0.1", self.port)
        try:
            ftp.login(login, password)
        except Exception:
            ftp.close()
            raise
        return ftp

    def logs_in(self, login, password):
        """True, or the code of the refusal."""
        try:
            with self.session(login, password):
                return True
        except ftplib.error_perm as e:
            return str(e)[:3]


def upload(session, name, octets):
    try:
        session.storbinary("STOR " + name, io.BytesIO(octets))
    except (ConnectionResetError, BrokenPipeError):
        # It has closed the data connection in the middle, and says why on the other.
        session.voidresp()


def refusal(function, *arguments):
    """The code that it is refused with, None when it is not."""
    try:
        function(*arguments)
    except (ftplib.error_perm, ftplib.error_temp) as e:
        return str(e)[:3]
    return None


def names(session):
    return sorted(n for n in session.nlst() if n not in (".", ".."))
