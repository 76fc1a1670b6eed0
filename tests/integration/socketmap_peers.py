#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""ispman-socketmapd and its peers: slow, hostile and many ones, a cache that cannot tell, reloads, restarts.

The mail environment is written by write_mail, so that it can be half loaded, or complete a moment later.
"""

import os
import resource
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import servers  # noqa: E402
import tap      # noqa: E402
from socketmap import Client, netstring, read_netstring  # noqa: E402

MANY = 5000
MAIL = """domain tern.example
domain relay.example smtp
user joe@tern.example host=mail.example
user big@tern.example %s
""" % " ".join("to=member%d@away.example" % i for i in range(200))
FOUND = "OK joe@tern.example"
ABSENT = "NOTFOUND "


class Cache:
    def __init__(self, box, name):
        self.dir, self.run_dir = box.path(name), box.path(name + "-run")
        os.makedirs(self.run_dir + "/metrics/mail")
        self.folder = os.path.join(self.dir, "mail/2")

    def write(self, text=MAIL):
        subprocess.run([servers.built("tests/lib/write_mail"), self.folder], input=text, text=True, check=True)


def arguments(cache, path, settings):
    words = [servers.built("postfix_map/ispman-socketmapd"), "-c", "/dev/null", "-o", "ispman.cache-dir=" + cache.dir,
             "-o", "ispman.run-dir=" + cache.run_dir]
    if path is not None:
        words += ["-o", "socketmap.listen=unix:%s,mode=0600" % path]
    for key, value in settings.items():
        words += ["-o", "socketmap.%s=%s" % (key.replace("_", "-"), value)]
    return words


class Daemon:
    """ispman-socketmapd on a unix socket."""

    def __init__(self, box, cache, name="socketmapd", wait=True, **settings):
        self.path = box.path(name)
        self.server = box.run(name, arguments(cache, self.path, settings))
        if wait:
            self.server.wait_log("answering")

    def client(self, **options):
        return Client(self.path, **options)

    def raw(self, timeout=30):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(timeout)
        s.connect(self.path)
        return s

    def memory(self):
        """Octets of resident memory."""
        with open("/proc/%d/statm" % self.server.pid) as f:
            return int(f.read().split()[1]) * resource.getpagesize()


def ends(s, deadline=20):
    """Whether the peer closes."""
    s.settimeout(deadline)
    try:
        while s.recv(65536):
            pass
    except ConnectionResetError:
        pass
    except socket.timeout:
        return False
    return True


def read_replies(s, count, deadline=30):
    s.settimeout(deadline)
    stream = s.makefile("rb")
    return [read_netstring(stream) for _ in range(count)]


# --- what is asked -----------------------------------------------------------------------------------------


def check_requests(t, d):
    with d.client() as c:
        rows = [("virtual", "joe@tern.example", FOUND), ("virtual", "Joe+x@TERN.example", "OK joe+x@tern.example"),
                ("virtual", "nobody@tern.example", ABSENT), ("virtual", "", ABSENT), ("domains", "tern.example", "OK tern.example"),
                ("relay-domains", "relay.example", "OK relay.example"), ("virtual", "a b", ABSENT), ("virtual", "\0", ABSENT),
                ("virtual", "\udcff@tern.example", ABSENT), ("transport", "*", ABSENT), ("virtual", "\"\"", ABSENT),
                ("virtual", "x" * 10000, ABSENT), ("virtual", "x" * 10001, ABSENT), ("virtual", "x" * 100000, ABSENT),
                ("virtual", "joe@tern.example", FOUND)]
        got = [(name, key, c.ask(name, key)) for name, key, _ in rows]
        t.same([(n, k[:20], g) for n, k, g in got], [(n, k[:20], w) for n, k, w in rows], "questions are answered on one connection")
        unknown = [c.ask("virtaul", "joe@tern.example") for _ in range(3)]
        t.ok(all(text.startswith("PERM there is no map \"virtaul\"; there are virtual domains") for text in unknown),
             "an unknown map is refused, with the names there are", unknown)
        t.same(d.server.log().count("virtaul"), 1, "and that is logged, once")
    s = d.raw()
    s.sendall(b"0:,7:virtual,8:virtual ," + netstring(b"virtual joe@tern.example"))
    got = read_replies(s, 4)
    t.ok(got[0].startswith(b"PERM ") and got[1:] == [b"NOTFOUND ", b"NOTFOUND ", FOUND.encode()],
         "an empty request names no map; one without a key has the empty key", got)
    s.close()


def check_pieces(t, d):
    s = d.raw()
    for octet in netstring(b"virtual joe@tern.example"):
        s.send(bytes([octet]))
    t.same(read_replies(s, 1), [FOUND.encode()], "a request may come octet by octet")
    s.sendall(netstring(b"virtual joe@tern.example") * 500 + netstring(b"domains tern.example"))
    t.same(read_replies(s, 501), [FOUND.encode()] * 500 + [b"OK tern.example"], "requests one behind the other are answered in order")
    s.sendall(b"100008:virtual ")
    for _ in range(10):
        s.sendall(b"x" * 10000)
    s.sendall(b"," + netstring(b"virtual joe@tern.example"))
    t.same(read_replies(s, 2), [b"NOTFOUND ", FOUND.encode()], "a key of 100 KB in pieces is passed over, and the stream goes on")
    s.sendall(netstring(b"virtual joe@tern.example"))
    s.shutdown(socket.SHUT_WR)
    t.same((read_replies(s, 1), ends(s)), ([FOUND.encode()], True), "who says that it has no more to ask gets its answer")


def check_garbage(t, d):
    quiet = d.client()
    quiet.ask("virtual", "joe@tern.example")
    closed = []
    garbage = [b"GET / HTTP/1.0\r\n\r\n", b"virtual joe@tern.example\n", b"99999999999999999999999:", b"16777217:", b"-1:,",
               b"5:virtual", b"\x16\x03\x01\x02\x00\x01", b"000000000000000000000000:", b"100000:" + b"x" * 100000 + b"y"]
    for octets in garbage:
        s = d.raw()
        try:
            s.sendall(octets)
        except BrokenPipeError:
            pass
        closed.append(ends(s))
        s.close()
    t.same(closed, [True] * len(garbage), "what is no netstring ends the connection")
    t.same(d.server.log().count("does not speak socketmap"), 1, "and that is logged, once a minute")
    t.same(quiet.ask("virtual", "joe@tern.example"), FOUND, "other connections do not notice")
    quiet.close()


# --- time and memory ---------------------------------------------------------------------------------------


def check_slow(t, box, cache):
    d = Daemon(box, cache, "slow", request_timeout="1s", max_connections=10000)
    idle, fresh = d.client(), d.raw()
    idle.ask("virtual", "joe@tern.example")
    half, trickle = d.raw(), d.raw()
    half.sendall(b"28:virtual jo")
    begun = time.monotonic()
    sent = 0
    try:
        while sent < 100:
            trickle.sendall(b"9")
            sent += 1
            if sent == 1:
                trickle.sendall(b"0:virtual ")
            trickle.settimeout(0.1)
            try:
                if trickle.recv(1) == b"":
                    break
            except socket.timeout:
                pass
    except OSError:
        pass
    took = time.monotonic() - begun
    t.ok(0.9 <= took < 8, "an octet at a time does not extend the time for a request", "%.2f s" % took)
    t.ok(ends(half), "half a request is not waited for")
    t.same(idle.ask("virtual", "joe@tern.example"), FOUND, "a connection may be idle for longer than that")
    fresh.sendall(netstring(b"virtual joe@tern.example"))
    t.same(read_replies(fresh, 1), [FOUND.encode()], "also one that has never asked")
    idle.close()
    fresh.close()
    check_slow_readers(t, d)
    d.server.stop()


def check_slow_readers(t, d):
    """50 peers ask for megabytes each and read nothing."""
    before = d.memory()
    question = netstring(b"virtual big@tern.example") * 600
    peers = []
    for _ in range(50):
        s = d.raw()
        s.setblocking(False)
        peers.append(s)
    watch = selectors.DefaultSelector()
    for s in peers:
        watch.register(s, selectors.EVENT_WRITE)
    dropped, most = 0, 0
    until = time.monotonic() + 20
    while dropped < len(peers) and time.monotonic() < until:
        for key, _ in watch.select(0.2):
            try:
                key.fileobj.send(question)
            except BlockingIOError:
                pass
            except OSError:
                watch.unregister(key.fileobj)
                dropped += 1
        most = max(most, d.memory() - before)
        # A full pipe does not tell that its other end is gone; a write does.
        for key in list(watch.get_map().values()):
            try:
                key.fileobj.send(b"9")
            except BlockingIOError:
                pass
            except OSError:
                watch.unregister(key.fileobj)
                dropped += 1
    t.same(dropped, len(peers), "who does not read is dropped")
    t.ok(most < 50 * 400 * 1024, "and costs little memory", "%d KB" % (most >> 10))
    for s in peers:
        s.close()
    with d.client() as c:
        t.same(c.ask("virtual", "joe@tern.example"), FOUND, "others are answered")


def check_many(t, box, cache):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < MANY + 200:
        t.skip("%d connections" % MANY, "the limit of open files is %d" % hard)
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, MANY + 200), hard))
    d = Daemon(box, cache, "many", max_connections=MANY, request_timeout="3s")
    before = d.memory()
    peers = [d.raw() for _ in range(MANY)]
    question = netstring(b"virtual joe@tern.example")
    want = netstring(FOUND.encode())
    for s in peers:
        s.sendall(question)
    wrong = sum(s.recv(1000) != want for s in peers)
    t.same(wrong, 0, "%d connections are served" % MANY)
    used = d.memory() - before
    t.ok(used < MANY * 4096, "and idle ones cost little memory", "%d octets each" % (used // MANY))
    begun = time.monotonic()
    with d.client() as c:
        t.same(c.ask("virtual", "joe@tern.example"), FOUND, "one more finds room")
    took = time.monotonic() - begun
    t.ok(took < 5, "within a second or two", "%.2f s" % took)
    gone = sum(closed_now(s) for s in peers)
    t.same(gone, 1, "the one that was idle for the longest has made it")
    # Now all of them are busy: the newcomer waits until the first of them are given up.
    for s in peers:
        try:
            s.sendall(b"28:virt")
        except BrokenPipeError:
            pass
    with d.client() as c:
        t.same(c.ask("virtual", "joe@tern.example"), FOUND, "when all are busy, a new one waits and is served")
    t.ok("new connections wait" in d.server.log(), "which is logged")
    for s in peers:
        s.close()
    t.same(d.server.stop(), 0, "it stops")


def check_descriptors(t, box, cache):
    """The limit of open files falls on a daemon that runs."""
    d = Daemon(box, cache, "descriptors")
    peers = [d.client() for _ in range(10)]
    for c in peers:
        c.ask("virtual", "joe@tern.example")
    used = len(os.listdir("/proc/%d/fd" % d.server.pid))
    resource.prlimit(d.server.pid, resource.RLIMIT_NOFILE, (used, used))
    with d.client() as c:
        t.same(c.ask("virtual", "joe@tern.example"), FOUND, "without a descriptor for it, a new connection waits for room")
    t.ok("Too many open files" in d.server.log(), "which is logged")
    for c in peers:
        c.close()
    d.server.stop()


def closed_now(s):
    s.setblocking(False)
    try:
        return s.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        s.setblocking(True)


# --- a cache that cannot tell ------------------------------------------------------------------------------


def check_hold(t, box):
    cache = Cache(box, "empty")
    d = Daemon(box, cache, "hold", hold="2s", tcp_table="virtual,inet:127.0.0.1:%d" % PORT)
    t.same(d.server.running(), True, "without a cache it starts, and is ready")
    with d.client() as c:
        begun = time.monotonic()
        reply = c.ask("virtual", "joe@tern.example")
        took = time.monotonic() - begun
        t.ok(reply.startswith("TEMP ") and 2 <= took < 4, "a question is held, then TEMP", "%r after %.2f s" % (reply, took))
        t.same(c.ask("nomap", "x")[:5], "PERM ", "an unknown map is unknown at once")
    with socket.create_connection(("127.0.0.1", PORT)) as s:
        s.sendall(b"get joe@tern.example\n")
        t.same(s.makefile("rb").readline()[:4], b"400 ", "the same in a tcp_table is 400")
    cache.write("incomplete\n" + MAIL)
    s = d.raw()
    begun = time.monotonic()
    s.sendall(netstring(b"virtual joe@tern.example") + netstring(b"domains tern.example") + netstring(b"domains nix.example"))
    servers.wait_until(lambda: metric(cache, "held") >= 3, "the question to be held")
    cache.write()
    got = read_replies(s, 3)
    took = time.monotonic() - begun
    t.same(got, [FOUND.encode(), b"OK tern.example", b"NOTFOUND "], "what becomes ready meanwhile is the answer, in order")
    t.ok(took < 2, "as soon as it is", "%.2f s" % took)
    s.close()
    log = d.server.log()
    t.ok(log.count("cannot tell") >= 1 and log.count("cannot tell") < 5 and "the cache answers again" in log,
         "both are logged", log)
    # Stopping: the held question is closed, not answered, so that the next instance is asked.
    cache.write("incomplete\n")
    s = d.raw()
    s.sendall(netstring(b"virtual joe@tern.example"))
    servers.wait_until(lambda: metric(cache, "held") >= 4, "the question to be held")
    d.server.send(signal.SIGTERM)
    s.settimeout(20)
    t.same(s.recv(100), b"", "a held question is closed when the server stops")
    t.same(d.server.stop(), 0, "which it does")


def metric(cache, name):
    """A counter of the program that wrote there last: the file's values are summed over its shards."""
    folder = os.path.join(cache.run_dir, "metrics/mail")
    total = 0
    for file in os.listdir(folder) if os.path.isdir(folder) else ():
        with open(os.path.join(folder, file), "rb") as f:
            octets = f.read()
        header, row, rows, shards, stride, at = struct.unpack_from("=6I", octets, 8)
        for i in range(rows):
            if octets[header + i * row + 8:].split(b"\0", 1)[0] == b"socketmap_" + name.encode():
                total += sum(struct.unpack_from("=Q", octets, at + s * stride + 8 * i)[0] for s in range(shards))
    return total


# --- configuration, start and stop -------------------------------------------------------------------------


def check_life(t, box, cache):
    program = servers.built("postfix_map/ispman-socketmapd")
    path, more = box.path("life"), box.path("life2")
    conf = box.write("life.conf", "[ispman]\ncache-dir = %s\nrun-dir = %s\n[socketmap]\nlisten = unix:%s,mode=0600\n" %
                     (cache.dir, cache.run_dir, path))
    server = box.run("life", [program, "-c", conf])
    server.wait_log("answering")
    t.same(os.stat(path).st_mode & 0o777, 0o600, "the socket has its mode")
    kept = Client(path)
    kept.ask("virtual", "joe@tern.example")

    second = subprocess.run([program, "-c", conf], capture_output=True, text=True)
    t.ok(second.returncode == 1 and "process %d) listens there" % server.pid in second.stderr,
         "a second instance is refused, and told who is there", second.stderr)

    with open(conf, "a") as f:
        f.write("listen = unix:%s\nhold = 1s\n" % more)
    server.send(signal.SIGHUP)
    servers.wait_until(lambda: os.path.exists(more) and "read again" in server.log(), "the second socket")
    with Client(more) as c:
        t.same(c.ask("virtual", "joe@tern.example"), FOUND, "HUP opens what is new")
    t.same(kept.ask("virtual", "joe@tern.example"), FOUND, "and leaves connections alone")
    with open(conf, "a") as f:
        f.write("listen = unix:%s/none/socket\n" % box.folder)
    server.send(signal.SIGHUP)
    server.wait_log("stays what it was")
    with Client(more) as c:
        t.same(c.ask("virtual", "joe@tern.example"), FOUND, "what cannot be done changes nothing")
    box.write("life.conf", "[ispman]\ncache-dir = %s\nrun-dir = %s\n[socketmap]\nlisten = unix:%s\n" %
              (cache.dir, cache.run_dir, path))
    server.send(signal.SIGHUP)
    servers.wait_until(lambda: not os.path.exists(more), "the second socket to go")
    t.same(kept.ask("virtual", "joe@tern.example"), FOUND, "HUP removes what is not wanted any more")

    server.kill()
    t.same(os.path.exists(path), True, "a killed one leaves its socket")
    server.spawn()
    server.wait_log("answering")
    with Client(path) as c:
        t.same(c.ask("virtual", "joe@tern.example"), FOUND, "which the next one replaces")
        begun = time.monotonic()
        t.same((server.stop(), os.path.exists(path)), (0, False), "TERM ends it, and removes the socket")
        t.ok(time.monotonic() - begun < 0.9, "at once when nobody is in the middle of something")

    done = subprocess.run(arguments(cache, None, {
        "listen": "unix:%s/none/s,group=nosuchgroup" % box.folder, "user": "nosuchuser"}) + ["-t"], capture_output=True, text=True)
    t.ok(done.returncode == 2 and "none: there is none" in done.stderr and "nosuchuser" in done.stderr,
         "-t says what is missing", done.stderr)
    done = subprocess.run(arguments(cache, path, {"tcp-table": "nomap,inet:127.0.0.1:1"}) + ["-t"], capture_output=True, text=True)
    t.ok(done.returncode == 2 and "where MAP is one of virtual domains" in done.stderr, "and what is wrong", done.stderr)
    t.same(subprocess.run(arguments(cache, path, {}) + ["-t"], capture_output=True, text=True).returncode, 0, "or nothing")


def check_tables(t, box, cache):
    d = Daemon(box, cache, "tables", tcp_table="virtual,inet:127.0.0.1:%d relay-domains,inet:127.0.0.1:%d" % (PORT, PORT + 1),
               allow="127.0.0.1")

    def ask(port, *lines):
        with socket.create_connection(("127.0.0.1", port), 20) as s:
            s.sendall(b"".join(lines))
            s.shutdown(socket.SHUT_WR)
            return s.makefile("rb").read()

    t.same(ask(PORT, b"get Joe%2bx@tern.example\n", b"get nobody@tern.example\r\n", b"put a b\n", b"get " + b"x" * 50000 + b"\n",
               b"get joe@tern.example\n"),
           b"200 joe+x@tern.example\n500 not found\n500 the%20table%20is%20read%20only\n500 not found\n200 joe@tern.example\n",
           "a tcp_table answers for its map")
    t.same(ask(PORT + 1, b"get relay.example\n", b"get tern.example\n"), b"200 relay.example\n500 not found\n", "each for its own")
    t.ok(ask(PORT, b"get big@tern.example\n").startswith(b"400 "), "what is too long for it is not cut, but refused")
    t.ok(ask(PORT, b"EHLO x\n").startswith(b"400 ") and "does not speak tcp_table" in d.server.log(), "nonsense is logged")
    d.server.stop()
    d = Daemon(box, cache, "forbidden", tcp_table="virtual,inet:127.0.0.1:%d" % PORT, allow="192.0.2.0/24")
    try:
        got = ask(PORT, b"get joe@tern.example\n")
    except OSError:
        got = b""
    t.same(got, b"", "who is not allowed gets nothing")
    t.ok("not in \"allow\"" in d.server.log(), "and is logged")
    d.server.stop()


class Activator:
    """What a service manager does: it holds the socket, and starts the daemon with it."""

    def __init__(self, box, cache, name):
        self.box, self.path = box, box.path(name)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        self.socket.listen(4096)
        self.command = ["/bin/sh", "-c", "exec 3<&%d; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=x exec \"$@\"" % self.socket.fileno(),
                        "sh"] + arguments(cache, self.path, {"hold": "5s"})

    def start(self):
        return subprocess.Popen(self.command, pass_fds=[self.socket.fileno()], stdin=subprocess.DEVNULL,
                                stderr=open(self.box.path("activated.log"), "a"), preexec_fn=servers._die_with_parent)


def ask_like_postfix(path, state):
    """A connection that is kept; when it ends, one more try on a new one, at once."""
    client = None
    while not state["stop"]:
        for attempt in (0, 1):
            try:
                if client is None:
                    client = Client(path)
                reply = client.ask("virtual", "joe@tern.example")
                break
            except OSError as e:
                reply, client = repr(e), None
        with state["lock"]:
            state["asked"] += 1
            if reply != FOUND:
                state["failed"].append(reply)
        # As smtpd does between sessions.
        if state["asked"] % 7 == 0 and client is not None:
            client.close()
            client = None


def check_restarts(t, box, cache):
    activator = Activator(box, cache, "activated")
    state = {"stop": False, "lock": threading.Lock(), "asked": 0, "failed": []}
    threads = [threading.Thread(target=ask_like_postfix, args=(activator.path, state), daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    statuses = []
    for n in range(30):
        daemon = activator.start()
        asked = state["asked"]
        servers.wait_until(lambda asked=asked: state["asked"] > asked + 200, "lookups to go on", process=daemon, pause=0.002)
        daemon.send_signal(signal.SIGTERM)
        statuses.append(daemon.wait(20))
    daemon = activator.start()
    state["stop"] = True
    for thread in threads:
        thread.join(20)
    daemon.terminate()
    statuses.append(daemon.wait(20))
    t.same(statuses, [0] * 31, "31 instances took over the socket")
    t.same(state["failed"][:5], [], "and none of %d lookups failed" % state["asked"])
    t.same(os.path.exists(activator.path), True, "a socket that was handed over is not removed")
    activator.socket.close()


PORT = 0


def main():
    global PORT
    if not servers.built("postfix_map/ispman-socketmapd") or not servers.built("tests/lib/write_mail"):
        tap.skip_all("ispman-socketmapd is not built")
    t = tap.Tap()
    with servers.Sandbox("socketmap") as box:
        PORT = servers.free_port()
        cache = Cache(box, "cache")
        cache.write()
        d = Daemon(box, cache)
        check_requests(t, d)
        check_pieces(t, d)
        check_garbage(t, d)
        t.same(d.server.stop(), 0, "it stops")
        check_slow(t, box, cache)
        check_hold(t, box)
        check_life(t, box, cache)
        check_tables(t, box, cache)
        check_restarts(t, box, cache)
        check_descriptors(t, box, cache)
        check_many(t, box, cache)
    sys.exit(t.done())


if __name__ == "__main__":
    main()
