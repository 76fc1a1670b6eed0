# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Real servers for tests: slapd, named, and the programs of this package.

    with servers.Sandbox("golden") as box:
        slapd = box.slapd(ldif=path)
        cached = box.cached(source="ldap", slapd=slapd)
        named = box.named(dlz=cached)
        dnsclient.query(named.address, "www.tern.example", "A")

Everything runs on loopback with free ports in a private folder, and is gone afterwards: also when the test
fails, is interrupted, or is killed (the children ask the kernel to die with us). ISPMAN_KEEP=1
keeps the folder and says where it is. Nothing here sleeps for luck: each start waits for a sign of
readiness, up to DEADLINE seconds.
"""

import atexit
import contextlib
import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import dnsclient

DEADLINE = float(os.environ.get("ISPMAN_DEADLINE", "60"))

SRCDIR = os.environ.get("ISPMAN_SRCDIR") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILDDIR = os.environ.get("ISPMAN_BUILDDIR") or SRCDIR

SYSTEM_SCHEMA_DIR = "/etc/ldap/schema"
SYSTEM_SCHEMA = ("core", "cosine", "nis", "misc", "inetorgperson")
OUR_SCHEMA = ("dnszone", "ispman-dns-types", "pureftpd", "ispman", "ispman-mail", "radius")
SLAPD_MODULES = "/usr/lib/ldap"

_libc = ctypes.CDLL(None)


def find_tool(name):
    """The path of a system program, also those in sbin; None when it is not installed."""
    path = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
    return shutil.which(name, path=path)


def built(path):
    """A program or module of the build tree; None when it was not built."""
    full = os.path.join(BUILDDIR, path)
    return full if os.path.exists(full) else None


def module_path():
    return built("dlz_ispman/.libs/dlz_ispman.so")


def schema_path(name):
    for path in (os.path.join(SRCDIR, "docs/schema", name + ".schema"),
                 os.path.join(SYSTEM_SCHEMA_DIR, name + ".schema")):
        if os.path.exists(path):
            return path
    return None


def missing(*what):
    """A sentence about what a test needs and this machine or build lacks, or None.

    WHAT: "named", "slapd" (with ISPMan's schema), "cached", "module", "ispmanctl", or a program."""
    for item in what:
        if item == "slapd":
            if not find_tool("slapd"):
                return "slapd is not installed"
            lost = [n for n in SYSTEM_SCHEMA + OUR_SCHEMA if not schema_path(n)]
            if lost:
                return "schema files are missing: " + " ".join(lost)
        elif item == "cached":
            if not built("cache/ispman-cached") and not built("ispman-cached"):
                return "ispman-cached is not built"
        elif item == "ispmanctl":
            if not built("cache/ispmanctl") and not built("ispmanctl"):
                return "ispmanctl is not built"
        elif item == "module":
            if not module_path():
                return "dlz_ispman.so is not built"
        elif not find_tool(item):
            return item + " is not installed"
    return None


def program(name):
    """A program of ours in the build tree."""
    path = built("cache/" + name) or built(name)
    if not path:
        raise FileNotFoundError(name + " is not built")
    return path


def preloaded(library, **more):
    """The environment of a program with a library of the build tree before all others."""
    options = [text for text in (os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0") if text]
    return dict(more, LD_PRELOAD=built(library), ASAN_OPTIONS=":".join(options))


def wait_until(question, what, deadline=None, process=None, pause=0.01):
    """Polls QUESTION until it is true and returns its value."""
    until = time.monotonic() + (DEADLINE if deadline is None else deadline)
    while True:
        answer = question()
        if answer:
            return answer
        if process is not None and process.poll() is not None:
            raise RuntimeError("%s: the process ended with status %s" % (what, process.returncode))
        if time.monotonic() > until:
            raise TimeoutError("waited too long for " + what)
        time.sleep(pause)


def free_port(hosts=("127.0.0.1",)):
    """A port that is free for UDP and TCP on all HOSTS. Below the ephemeral range, so that no
    outgoing connection takes it before the server does."""
    chooser = random.SystemRandom()
    for _ in range(1000):
        port = chooser.randrange(10000, 32000)
        held = []
        try:
            for host in hosts:
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    s = socket.socket(socket.AF_INET, kind)
                    held.append(s)
                    s.bind((host, port))
            return port
        except OSError:
            continue
        finally:
            for s in held:
                s.close()
    raise RuntimeError("no free port")


def _die_with_parent():
    _libc.prctl(1, signal.SIGKILL)


def _lead_a_group():
    os.setsid()
    _die_with_parent()


class Server:
    """A child process with a log file. One that signals its whole process group when it ends has a group of its own."""

    own_group = False

    def __init__(self, box, name, command, env=None):
        self.box, self.name, self.command = box, name, command
        self.env = env
        self.log_path = box.path(name + ".log")
        self.process = None

    def spawn(self):
        environment = dict(os.environ)
        environment.update(self.env or {})
        with open(self.log_path, "ab") as log:
            self.log_start = log.tell()
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.box.folder, env=environment, preexec_fn=_lead_a_group if self.own_group else _die_with_parent)

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process is not None and self.process.poll() is None

    def log(self):
        """What it logged since it was last started."""
        with open(self.log_path, "rb") as f:
            f.seek(self.log_start)
            return f.read().decode("utf-8", "replace")

    def wait_log(self, text, deadline=None):
        wait_until(lambda: text in self.log(), "%s to log %r" % (self.name, text), deadline,
                   self.process)

    def send(self, number):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM, deadline=20):
        """Ends it and returns its exit status; kills it when it does not obey."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(deadline)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.own_group:
            # What it had at work when it was killed.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.returncode

    def kill(self):
        return self.stop(signal.SIGKILL)


class Named(Server):
    """named with an own named.conf.

    addresses has one (host, port, source) for each view; address is the first."""

    def __init__(self, box, name, conf, addresses, port):
        self.conf_path = box.path(name + ".conf")
        with open(self.conf_path, "w", encoding="latin-1") as f:
            f.write(conf)
        self.addresses = addresses
        self.address = self.addresses[0]
        self.port = port
        super().__init__(box, name, [find_tool("named"), "-g", "-c", self.conf_path,
                                     "-n", os.environ.get("ISPMAN_NAMED_THREADS", "2")])

    def start(self):
        self.spawn()
        self.wait_log("all zones loaded")
        for address in self.addresses:
            dnsclient.query(address, "ready.invalid", "SOA", timeout=5, tries=4)
        return self

    def reload(self):
        """SIGHUP, and waits until the new configuration answers."""
        before = self.log().count("reloading configuration succeeded")
        self.send(signal.SIGHUP)
        wait_until(lambda: self.log().count("reloading configuration succeeded") > before,
                   "named to reload", process=self.process)

    def query(self, name, rrtype, **options):
        return dnsclient.query(self.address, name, rrtype, **options)


class Slapd(Server):
    """slapd with the classes that ISPMan's tree needs, one mdb database and syncprov.

    uri is its LDAP URI, base the suffix; manager and password may do everything."""

    manager = "cn=manager"
    password = "manager-secret"

    def __init__(self, box, name, base, schema, ldif, extra_global, extra_database, port, sessionlog, overlays=""):
        self.box, self.base = box, base
        self.folder = box.path(name)
        os.makedirs(self.folder + "/db")
        self.port = port or free_port()
        self.host_port = "127.0.0.1:%d" % self.port
        self.uri = "ldap://127.0.0.1:%d" % self.port
        self.manager = "cn=manager," + base
        lines = ["include %s" % schema_path(item) for item in schema]
        lines += ["modulepath " + SLAPD_MODULES, "moduleload back_mdb", "moduleload syncprov",
                  "pidfile %s/pid" % self.folder, "sizelimit unlimited", extra_global,
                  "database mdb", 'suffix "%s"' % base, 'rootdn "%s"' % self.manager,
                  "rootpw " + self.password, "directory %s/db" % self.folder,
                  "maxsize 4294967296", "index objectClass,entryCSN,entryUUID eq",
                  extra_database, "overlay syncprov"]
        if sessionlog:
            lines.append("syncprov-sessionlog %d" % sessionlog)
        lines.append(overlays)
        self.conf_path = self.folder + "/slapd.conf"
        with open(self.conf_path, "w") as f:
            f.write("\n".join(line for line in lines if line) + "\n")
        if ldif is not None:
            self.load(ldif)
        super().__init__(box, name, [find_tool("slapd"), "-d", "0", "-h", self.uri,
                                     "-f", self.conf_path])

    def load(self, ldif):
        """slapadd: only while it is stopped."""
        # Not with -q: with -w it sometimes ends in a "double free" of its own making (2.5.13). Without a
        # sync for each entry it is fast all the same.
        with open(self.conf_path) as f:
            conf = f.read().replace("\nmaxsize ", "\ndbnosync\nmaxsize ", 1)
        path = self.box.write("slapadd.conf", conf)
        done = subprocess.run([find_tool("slapadd"), "-w", "-f", path, "-l", ldif],
                              capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError("slapadd failed: " + done.stderr)

    def dump(self, path):
        """slapcat of the database, a backup that load() takes."""
        subprocess.run([find_tool("slapcat"), "-f", self.conf_path, "-b", self.base, "-l", path],
                       check=True, capture_output=True)

    def wipe(self):
        """Removes the database: only while it is stopped."""
        shutil.rmtree(self.folder + "/db")
        os.makedirs(self.folder + "/db")

    def start(self):
        self.spawn()

        def up():
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                return False
            return not self._tool("ldapsearch", "-s", "base", "-b", "", "1.1").returncode

        wait_until(up, "slapd", process=self.process)
        return self

    def _tool(self, tool, *args, text=None):
        return subprocess.run([find_tool(tool), "-x", "-H", self.uri, "-D", self.manager,
                               "-w", self.password] + list(args),
                              input=text.encode("latin-1") if isinstance(text, str) else text,
                              capture_output=True)

    def modify(self, ldif):
        """ldapmodify with LDIF change records (text or octets); raises when one is refused."""
        done = self._tool("ldapmodify", text=ldif)
        if done.returncode:
            raise RuntimeError("ldapmodify: " + done.stderr.decode("utf-8", "replace"))

    def add(self, ldif):
        done = self._tool("ldapadd", text=ldif)
        if done.returncode:
            raise RuntimeError("ldapadd: " + done.stderr.decode("utf-8", "replace"))

    def delete(self, *dns, recursive=False):
        done = self._tool("ldapdelete", *(["-r"] if recursive else []), *dns)
        if done.returncode:
            raise RuntimeError("ldapdelete: " + done.stderr.decode("utf-8", "replace"))

    def search(self, *args):
        """ldapsearch -LLL; returns its output as text."""
        done = self._tool("ldapsearch", "-LLL", "-o", "ldif-wrap=no", *args)
        if done.returncode not in (0, 32):
            raise RuntimeError("ldapsearch: " + done.stderr.decode("utf-8", "replace"))
        return done.stdout.decode("utf-8", "replace")


class Cached(Server):
    """ispman-cached. conf_path is the configuration that the other programs share."""

    def __init__(self, box, name, settings):
        self.cache_dir = box.path(name + "-cache")
        self.run_dir = box.path(name + "-run")
        os.makedirs(self.cache_dir, exist_ok=True)
        os.makedirs(self.run_dir, exist_ok=True)
        self.conf_path = box.path(name + ".ini")
        self.settings = {"ispman": {"cache-dir": self.cache_dir, "run-dir": self.run_dir}}
        for section, values in settings.items():
            self.settings.setdefault(section, {}).update(values)
        self.write_conf()
        super().__init__(box, name, [program("ispman-cached"), "-c", self.conf_path])

    def write_conf(self):
        # Others may be reading it: never half of it.
        with open(self.conf_path + ".new", "w") as f:
            os.chmod(f.name, 0o600)
            for section, values in self.settings.items():
                f.write("[%s]\n" % section)
                for key, value in values.items():
                    f.write("%s = %s\n" % (key, value))
                f.write("\n")
        os.replace(f.name, self.conf_path)

    def start(self, wait=True):
        self.spawn()
        if wait:
            self.wait()
        return self

    def wait(self, timeout=None):
        """Until everything that the source has is in the cache."""
        limit = int(DEADLINE if timeout is None else timeout)

        def synchronised():
            done = self.ctl("wait", "--timeout", str(limit))
            return done.returncode == 0

        wait_until(synchronised, "ispman-cached to synchronise", limit, self.process, pause=0.05)

    def ctl(self, *args):
        """ispmanctl with our configuration; a CompletedProcess with text."""
        return subprocess.run([program("ispmanctl"), "-c", self.conf_path] + list(args),
                              capture_output=True, text=True, errors="replace")


def lock_file():
    """BIND 9.20 neither has a lock file nor knows the statement."""
    version = subprocess.run([find_tool("named"), "-v"], capture_output=True, text=True).stdout
    return "lock-file none;" if " 9.18." in version else ""


class Sandbox:
    def __init__(self, name):
        self.name = name
        self.names = set()
        self.servers = []
        self.folder = None

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="ispman-%s-" % self.name)
        os.chmod(self.folder, 0o755)
        atexit.register(self.close)
        # Default actions skip atexit and finally; an exception does not.
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, frame: sys.exit(128 + number))
        return self

    def __exit__(self, kind, error, trace):
        if error is not None and not isinstance(error, SystemExit):
            self.show_logs()
        self.close()

    def close(self):
        if self.folder is None:
            return
        for server in reversed(self.servers):
            server.stop()
        if os.environ.get("ISPMAN_KEEP"):
            print("# kept: " + self.folder)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder = None
        atexit.unregister(self.close)

    def release(self, *servers):
        """Stops these now, and forgets them."""
        for server in servers:
            server.stop()
            self.servers.remove(server)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, content):
        """A file in the sandbox; returns its path."""
        path = self.path(name)
        with open(path, "wb") as f:
            f.write(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    def show_logs(self, lines=25):
        """The ends of all logs as TAP diagnostics."""
        for server in self.servers:
            try:
                tail = server.log().splitlines()[-lines:]
            except (OSError, AttributeError):
                continue
            print("# --- %s" % server.log_path)
            for line in tail:
                print("#   " + line)
        sys.stdout.flush()

    def _unique(self, name):
        """Never used before: a server that was released leaves its folders behind."""
        unique, n = name, 2
        while unique in self.names:
            unique, n = "%s%d" % (name, n), n + 1
        self.names.add(unique)
        return unique

    def run(self, name, command, env=None):
        """Any other server: started, stopped with the rest. Its readiness is the caller's matter."""
        server = Server(self, self._unique(name), command, env)
        self.servers.append(server)
        server.spawn()
        return server

    def slapd(self, ldif=None, base="o=ispman", schema=SYSTEM_SCHEMA + OUR_SCHEMA, extra_global="",
              extra_database="", name="slapd", port=None, sessionlog=0, overlays="", start=True):
        server = Slapd(self, self._unique(name), base, schema, ldif, extra_global, extra_database,
                       port, sessionlog, overlays)
        self.servers.append(server)
        if start:
            server.start()
        return server

    def cached(self, source=None, slapd=None, settings=None, name="cached", start=True, wait=True):
        """SOURCE is "ldif:PATH" or "ldap" (then SLAPD is asked as its manager). SETTINGS:
        {section: {key: value}} on top."""
        merged = {"cached": {"source": source or "ldap"}}
        if slapd is not None:
            secret = self.write("%s-bind-password" % slapd.name, slapd.password + "\n")
            os.chmod(secret, 0o600)
            merged["ldap"] = {"uri": slapd.uri, "base": slapd.base, "bind-dn": slapd.manager,
                              "bind-password-file": secret}
        else:
            merged["ldap"] = {"base": "o=ispman"}
        for section, values in (settings or {}).items():
            merged.setdefault(section, {}).update(values)
        server = Cached(self, self._unique(name), merged)
        self.servers.append(server)
        if start:
            server.start(wait)
        return server

    def _dlz_statement(self, dlz, arguments):
        if dlz is None:
            return ""
        words = ["cache-dir=%s" % (dlz.cache_dir if isinstance(dlz, Cached) else dlz)]
        if isinstance(dlz, Cached) and "run-dir=" not in arguments:
            words.append("run-dir=" + dlz.run_dir)
        return 'dlz "ispman" { database "dlopen %s %s"; };\n' % (
            module_path(), " ".join(words + arguments.split()))

    def named(self, dlz=None, zones="", views=None, options="", name="named", start=True, port=None,
              dlz_arguments=""):
        """named on loopback. ZONES is named.conf text; DLZ a Cached (or a cache folder) whose data
        it serves.

        VIEWS, if given, is a list of option texts: one view for each, told apart by the address that asks
        (127.0.0.1, 127.0.0.2…), all with the same zones and module. DLZ_ARGUMENTS may be a list
        then, one for each view. The counters go to the Cached's run-dir unless they say otherwise."""
        port = port or free_port()
        addresses = [("127.0.0.1", port, "127.0.0.%d" % (i + 1)) for i in range(len(views or [0]))]
        name = self._unique(name)
        folder = self.path(name + "-run")
        os.makedirs(folder, exist_ok=True)
        head = """
options {
	directory "%s";
	listen-on port %d { 127.0.0.1; };
	listen-on-v6 { none; };
	pid-file none; %s session-keyfile none;
	recursion no;
	empty-zones-enable no;
	dnssec-validation no;
	minimal-any no;
	notify no;
	max-udp-size 4096;
	check-names primary ignore;
	%s
};
controls { };
""" % (folder, port, lock_file(), options)
        modules = [self._dlz_statement(dlz, arguments) for arguments in (
            dlz_arguments if isinstance(dlz_arguments, list) else [dlz_arguments] * len(addresses))]
        if not views:
            conf = head + zones + modules[0]
        else:
            conf = head
            for i, view in enumerate(views):
                body = zones
                if i and zones:
                    # Zones are loaded once, by the first view.
                    body = "\n".join('zone "%s" { in-view "view0"; };' % origin
                                     for origin in zone_statements(zones))
                conf += "view \"view%d\" {\nmatch-clients { %s; };\n%s\n%s\n%s};\n" % (
                    i, addresses[i][2], view, body, modules[i])
        server = Named(self, name, conf, addresses, port)
        self.servers.append(server)
        if start:
            server.start()
        return server


def zone_statements(conf):
    """The origins of the zone statements in CONF."""
    return [line.split('"')[1] for line in conf.splitlines() if line.startswith('zone "')]
