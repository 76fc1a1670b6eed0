# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""saslauthd's socket: a client, testsaslauthd, and the stock saslauthd to compare with.

    mux.ask(path, "ada@tern.example", "adapw", "imap")      # "OK", "NO", or None: closed without a reply
"""

import os
import shutil
import socket
import subprocess

import servers
import unpacked

OK, NO, CANNOT_TELL = "OK", "NO", None


def split(login):
    """Login and realm as libsasl2 sends them: it cuts at the last at sign."""
    name, _, realm = login.rpartition("@")
    return (name, realm) if name else (login, "")


def request(login, password, service="imap", realm="", *more):
    octets = [text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
              for text in (login, password, service, realm) + more]
    return b"".join(len(text).to_bytes(2, "big") + text for text in octets)


def reply(connection):
    data = b""
    while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2], "big"):
        more = connection.recv(4096)
        if not more:
            return CANNOT_TELL
        data += more
    word = data[2:4].decode("ascii", "replace")
    if word not in (OK, NO):
        raise ValueError("a reply that is none: %r" % data)
    return word


def ask(path, login, password, service="imap", realm="", *more, timeout=30):
    """Four strings, and those in MORE."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout)
        connection.connect(path)
        try:
            connection.sendall(request(login, password, service, realm, *more))
            return reply(connection)
        except (ConnectionResetError, BrokenPipeError):
            return CANNOT_TELL


def ask_as_libsasl(path, login, password, service="imap", timeout=30):
    """As Cyrus and Postfix ask."""
    name, realm = split(login)
    return ask(path, name, password, service, realm, timeout=timeout)


def testsaslauthd(path, login, password, service="imap", realm=""):
    """The program: (exit status, what it says)."""
    done = subprocess.run([find("testsaslauthd"), "-u", login, "-p", password, "-s", service, "-r", realm, "-f", path],
                          capture_output=True, text=True, errors="replace", timeout=servers.DEADLINE,
                          env=dict(os.environ, **unpacked.environment(find("testsaslauthd"))))
    return done.returncode, (done.stdout + done.stderr).strip()


def find(name):
    return unpacked.find("/usr/sbin/" + name) or servers.find_tool(name)


def missing(*names):
    for name in names or ("testsaslauthd",):
        if not find(name):
            return name + " is not installed"
    return None


class Stock(servers.Server):
    """saslauthd -a ldap, as it is usually set up: search and bind, login and realm joined. OPTIONS on top, as "-c"."""

    def __init__(self, box, slapd, path, *options, workers=5, method="bind", timeout=5):
        self.own_group = True
        name = box._unique("stock")
        self.path = path
        folder = os.path.dirname(path)
        os.makedirs(folder, exist_ok=True)
        conf = box.write(name + ".conf", "\n".join((
            "ldap_servers: " + slapd.uri, "ldap_search_base: " + slapd.base, "ldap_filter: (uid=%u)",
            "ldap_auth_method: " + method, "ldap_bind_dn: " + slapd.manager, "ldap_password: " + slapd.password,
            "ldap_timeout: %d" % timeout, "ldap_restart: yes", "")))
        if os.path.basename(path) != "mux":
            raise ValueError("saslauthd calls its socket mux")
        super().__init__(box, name, [find("saslauthd"), "-a", "ldap", "-O", conf, "-m", folder, "-n", str(workers), "-r", "-d",
                                     *options], unpacked.environment(find("saslauthd")))
        box.servers.append(self)

    def start(self):
        self.spawn()

        def ready():
            try:
                return ask(self.path, "nobody", "x", timeout=5) == NO
            except OSError:
                return False

        servers.wait_until(ready, "saslauthd to answer", process=self.process)
        return self

    def forget(self):
        """Stops it and removes what it leaves."""
        self.stop()
        shutil.rmtree(os.path.dirname(self.path), ignore_errors=True)
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
