# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""The chain slapd → ispman-cached → ispman-agent in a sandbox: a directory with hosts and domains, a root on the disk, and the agent as a
daemon or for one pass.

    stage = agentstage.Stage(box)
    stage.agent_start()
    stage.ldap.add(*agentstage.user("ada", "tern.example"))
    stage.wait(lambda: os.path.isdir(stage.home("ada", "tern.example")), "ada's home")

An agent that makes directories for others is root."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
import traceback

import ldapclient
import servers

HOST = "disk1.isp.example"
AGENT = "agent/ispman-agent"


def missing():
    if os.geteuid() != 0:
        return "only root makes directories for others"
    if not servers.built(AGENT):
        return "ispman-agent is not built"
    return servers.missing("slapd", "cached", "ispmanctl")


# --- entries ---------------------------------------------------------------------------------------------------------------------


def number(name, domain):
    """The uidNumber of a user, always the same."""
    value = 0
    for c in (name + "@" + domain).encode():
        value = (value * 31 + c) % 40000
    return 20000 + value


def domain_number(domain):
    return 2000 + number("", domain) % 10000


def user_dn(name, domain):
    return "uid=%s,ou=users,ispmanDomain=%s,o=ispman" % (uid_of(name, domain), domain)


def uid_of(name, domain):
    return "%s_%s" % (name, domain.replace(".", "_"))


def _entry(dn, attributes, change):
    """ATTRIBUTES with those of CHANGE instead; None removes one."""
    merged = dict(attributes)
    merged.update(change)
    pairs = []
    for key, value in merged.items():
        if value is not None:
            pairs += [(key, v) for v in (value if isinstance(value, (list, tuple)) else [value])]
    return dn, pairs


def user(name, domain, root="/", **change):
    return _entry(user_dn(name, domain), {
        "objectClass": ("posixAccount", "ispmanDomainUser"), "uid": (uid_of(name, domain), "%s@%s" % (name, domain)),
        "ispmanUserId": name, "ispmanDomain": domain, "sn": "X", "cn": name, "uidNumber": str(number(name, domain)),
        "gidNumber": str(domain_number(domain)), "homeDirectory": "%s/%s/users/%s" % (root, domain, name), "loginShell": "/bin/false",
        "userPassword": "secret", "ispmanStatus": "active", "mailLocalAddress": "%s@%s" % (name, domain),
        "fileHost": HOST, "FTPStatus": "enabled"}, change)


def vhost(name, domain, root="/", **change):
    return _entry("ispmanVhostName=%s,ou=httpdata,ispmanDomain=%s,o=ispman" % (name, domain), {
        "objectClass": ("ispmanVirtualHost", "posixAccount", "PureFTPdUser"), "ispmanVhostName": name, "ispmanDomain": domain,
        "cn": "%s.%s" % (name, domain), "uid": "%s.%s" % (name, domain), "uidNumber": str(number("vhost-" + name, domain)),
        "gidNumber": str(domain_number(domain)), "homeDirectory": "%s/%s/vhosts/%s" % (root, domain, name), "loginShell": "/bin/false",
        "userPassword": "secret", "ispmanStatus": "active", "webHost": HOST, "fileHost": HOST, "ispmanVhostDocumentRoot": "htdocs",
        "ispmanVhostScriptDir": "cgi-bin", "ispmanVhostLogdir": "logs", "ispmanVhostStatdir": "stats"}, change)


def domain_entries(domain, root="/", **change):
    """The domain, then the branches in it."""
    dn = "ispmanDomain=%s,o=ispman" % domain
    return [_entry(dn, {
        "objectClass": ("ispmanDomain", "PureFTPdUser", "posixAccount"), "ispmanDomain": domain, "ispmanDomainType": "primary",
        "cn": domain, "uid": domain, "uidNumber": str(domain_number(domain)), "gidNumber": str(domain_number(domain)),
        "homeDirectory": "%s/%s" % (root, domain), "loginShell": "/bin/false", "userPassword": "secret", "ispmanStatus": "active",
        "ispmanDomainDefaultFileServer": HOST}, change)] + [
        ("ou=%s,%s" % (branch, dn), [("objectClass", "ispmanBranch"), ("ou", branch)]) for branch in ("users", "httpdata")]


def base_entries():
    entries = [("o=ispman", [("objectClass", "organization"), ("o", "ispman")])]
    entries += [("ou=%s,o=ispman" % branch, [("objectClass", "ispmanBranch"), ("ou", branch)]) for branch in ("hosts", "hostgroups")]
    return entries


def host(name, *aliases):
    return "ispmanHostName=%s,ou=hosts,o=ispman" % name, [
        ("objectClass", "ispmanHost"), ("ispmanHostName", name)] + [("ispmanHostAlias", alias) for alias in aliases]


def group(name, *members):
    return "ispmanHostGroupName=%s,ou=hostgroups,o=ispman" % name, [
        ("objectClass", "ispmanHostGroup"), ("ispmanHostGroupName", name)] + [("ispmanHostGroupMember", m) for m in members]


def uuid_of(number):
    return "00000000-0000-4000-8000-%012x" % number


def write_ldif(path, entries, uuids=True):
    """ENTRIES with UUIDs by their DNs, the same in each file."""
    with open(path, "w") as f:
        os.chmod(path, 0o600)
        for dn, pairs in entries:
            f.write("dn: %s\n" % dn)
            f.writelines("%s: %s\n" % pair for pair in pairs)
            if uuids:
                digits = 0
                for c in dn.encode():
                    digits = (digits * 1099511628211 + c) % (1 << 48)
                f.write("entryUUID: %s\n" % uuid_of(digits))
            f.write("\n")
    return path


# --- the chain -------------------------------------------------------------------------------------------------------------------


class Stage:
    """OPTIONS are settings of [agent] on top of what everybody has here."""

    def __init__(self, box, ldif=None, cached=None, **options):
        self.box, self.name = box, box._unique("agent")
        self.root = box.path(self.name + "-disk")
        os.mkdir(self.root, 0o755)
        self.state = box.path(self.name + "-state")
        self.settings = {"state-dir": self.state, "host": HOST, "roots": self.root, "settle": "0s"}
        self.settings.update({key.replace("_", "-"): value for key, value in options.items()})
        self.slapd = self.cached = self.daemon = self._ldap = None
        if ldif is not None:
            self.cached = box.cached(source="ldif:" + ldif, settings={"cached": cached or {}})
        elif cached is not False:
            tree = write_ldif(box.path(self.name + ".ldif"), base_entries(), uuids=False)
            self.slapd = box.slapd(ldif=tree)
            self.cached = box.cached(slapd=self.slapd, settings={"cached": cached or {}})

    @property
    def ldap(self):
        if self._ldap is None:
            self._ldap = ldapclient.Connection(self.slapd.port, self.slapd.manager, self.slapd.password)
        return self._ldap

    def add(self, *entries):
        for dn, pairs in entries:
            self.ldap.add(dn, pairs)

    def add_domain(self, domain, **change):
        self.add(*domain_entries(domain, self.root, **change))

    def add_user(self, name, domain, **change):
        """Its home."""
        self.add(user(name, domain, self.root, **change))
        return self.home(name, domain)

    def home(self, name, domain):
        return "%s/%s/users/%s" % (self.root, domain, name)

    def uuid(self, dn):
        return self.slapd.search("-s", "base", "-b", dn, "entryUUID").split("entryUUID: ")[1].split()[0]

    def settle(self):
        """Until the cache has what slapd has."""
        self.cached.wait()

    # The agent.

    def command(self, *words, cached=None, **options):
        merged = dict(self.settings)
        merged.update({key.replace("_", "-"): value for key, value in options.items()})
        overrides = [word for key, value in merged.items() for word in ("-o", "agent.%s=%s" % (key, value))]
        return [servers.built(AGENT), "-c", (cached or self.cached).conf_path] + overrides + list(words)

    def once(self, *words, **options):
        """One pass, or what WORDS ask for: (exit status, output, log)."""
        done = subprocess.run(self.command(*(words or ("--once",)), **options), capture_output=True, text=True, errors="replace",
                              timeout=servers.DEADLINE, cwd=self.box.folder)
        return done.returncode, done.stdout, done.stderr

    def start(self, **options):
        self.daemon = self.box.run("ispman-agent", self.command(**options))
        self.wait(lambda: "complete pass" in self.daemon.log(), "the agent's first pass")
        return self.daemon

    def stop(self, number=signal.SIGTERM):
        status = self.daemon.stop(number)
        self.box.servers.remove(self.daemon)
        return status

    def adopt(self):
        """What is gone is removed from now on."""
        return self.once("--adopt")[0]

    def status(self):
        try:
            with open(self.cached.run_dir + "/agent-status") as f:
                return json.load(f)
        except FileNotFoundError:
            return {}

    def failures(self):
        return {(f["kind"], f["account"]): f["reason"] for f in self.status().get("failed", [])}

    def wait_failure(self, text):
        return self.wait(lambda: any(text in reason for reason in self.failures().values()), "a failure with %r" % text)

    def wait(self, question, what, deadline=20):
        return servers.wait_until(question, what, deadline, self.daemon.process if self.daemon else None, pause=0.005)

    def trash(self):
        """[(uuid, origin)]"""
        out = self.once("--list-trash")[1]
        return [(line.split()[0], line.split(None, 3)[3]) for line in out.splitlines()]

    def staging(self):
        return os.listdir(self.root + "/.ispman/staging")


def about(path):
    """(uid, gid, mode) of PATH itself."""
    s = os.lstat(path)
    return s.st_uid, s.st_gid, stat.S_IMODE(s.st_mode)


def tree(folder, leave_out=()):
    """{relative path: (type, mode, uid, gid, content)} of all below FOLDER."""
    found = {}
    for at, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if os.path.relpath(os.path.join(at, name), folder) not in leave_out]
        for name in folders + files:
            path = os.path.join(at, name)
            s = os.lstat(path)
            content = None
            if stat.S_ISREG(s.st_mode):
                with open(path, "rb") as f:
                    content = f.read()
            found[os.path.relpath(path, folder)] = (stat.S_IFMT(s.st_mode), stat.S_IMODE(s.st_mode), s.st_uid, s.st_gid, content)
    return found


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def watch(question, deadline=20):
    """Seconds until QUESTION is true."""
    began = time.monotonic()
    servers.wait_until(question, "it", deadline, pause=0.002)
    return time.monotonic() - began


def run(t, name, checks):
    """Each in a sandbox of its own; the arguments may name some."""
    for check in checks:
        if sys.argv[1:] and check.__name__ not in sys.argv[1:]:
            continue
        try:
            with servers.Sandbox(name) as box:
                check(t, box)
        except Exception:
            t.ok(False, check.__name__ + " came to its end", traceback.format_exc())
