# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Programs of others at saslauthd's socket: testsaslauthd, and the stock saslauthd to compare with."""

import os
import shutil
import subprocess

import mux
import servers
import unpacked


def testsaslauthd(path, login, password, service="imap", realm=""):
    """The program: (exit status, what it says); a negative status when it did not survive that the connection was closed."""
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
                return mux.ask(self.path, "nobody", "x", timeout=5) == mux.NO
            except OSError:
                return False

        servers.wait_until(ready, "saslauthd to answer", process=self.process)
        return self

    def forget(self):
        """Stops it and removes what it leaves."""
        self.stop()
        shutil.rmtree(os.path.dirname(self.path), ignore_errors=True)
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
