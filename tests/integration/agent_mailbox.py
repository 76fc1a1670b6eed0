#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""What ispman-agent does on a mail store, on a real Cyrus: mailboxes in both naming styles, quotas, stamps, folders, rights that a
former owner of the name had, deletion and its undoing; and servers that are away, slow, or speak something else."""

import os
import socket
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import cyrus    # noqa: E402
import servers  # noqa: E402
import tap      # noqa: E402


class Yes:
    """A saslauthd to which every password but "wrong" is right."""

    def __init__(self, path):
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o777)
        self.listener.listen(64)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client:
                client.sendall(b"\0\2NO" if b"wrong" in client.recv(4096) else b"\0\2OK")

    def close(self):
        self.listener.close()


class Probe:
    def __init__(self, server, mode, *more, password="cyruspw"):
        self.process = subprocess.Popen([servers.built("tests/lib/mailbox_probe"), server, mode] + list(more), text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env=dict(os.environ, MAILBOX_PASSWORD=password))

    def __call__(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def close(self):
        self.process.stdin.close()
        return self.process.wait(60)


def admin(store, *commands):
    """What an admin is answered, untagged responses only."""
    got = []
    with store.session() as imap:
        imap.login("cyrus", "cyruspw")
        for command in commands:
            words = command.split(" ", 1)
            imap._simple_command(words[0], words[1])
            got += [d.decode() for d in (imap.untagged_responses.pop(words[0].replace("GET", "").replace("ROOT", ""), None) or [])
                    if isinstance(d, bytes)]
    return got


def lives(t, store, mode, names):
    """One mailbox from its beginning to its end; NAMES are those of the server for ada's, her folder's and eve's."""
    ada, sent, eve = names
    login, other = ("ada@tern.example", "eve@tern.example") if mode == "address" else ("ada_tern_example", "eve_tern_example")
    probe = Probe("127.0.0.1:%d" % store.imap_port, mode)
    t.same([probe("look %s 1" % login), probe("make %s 1 51200" % login), probe("look %s 1" % login), probe("look %s 2" % login),
            probe("make %s 1 51200" % login)], ["absent", "1", "ours 51200", "foreign 51200", "0"], "%s: made once, and known again" % mode)
    t.same(sorted(admin(store, 'LIST (SPECIAL-USE) "" "*"', 'GETACL "%s"' % ada))[-1].split(" ", 1)[1],
           "%s lrswipkxtecdan" % login, "%s: its owner has every right, and nobody else has any" % mode)
    found = []
    store.imap(login, "x", lambda imap: found.extend(d.decode() for d in imap.list()[1]))
    t.ok(len(found) == 3 and any("\\Sent" in line and "Sent" in line for line in found) and
         any("\\Drafts" in line and "Entw&APw-rfe" in line for line in found), "%s: default folders with their special use" % mode, found)
    t.same([probe("quota %s 1 1000" % login), probe("look %s 1" % login), probe("quota %s 1" % login), probe("look %s 1" % login)],
           ["0", "ours 1000", "0", "ours -1"], "%s: quotas are changed and lifted" % mode)

    admin(store, 'SETACL "%s" "%s" lr' % (ada, login))
    t.same([probe("rights %s 1" % login), probe("rights %s 1" % login)], ["1", "0"], "%s: rights that its owner has lost" % mode)
    # Somebody lets ada see something; then ada is deleted, and another ada comes.
    t.same(probe("make %s 9" % other), "1", "%s: another one" % mode)
    admin(store, 'CREATE "%s"' % eve, 'SETACL "%s" "%s" lrs' % (eve, login))
    t.same(probe("delete %s 2" % login), "ERROR mailbox %s: it belongs to another account, and is left alone" % login,
           "%s: another account's is not deleted" % mode)
    t.same([probe("delete %s 1" % login), probe("delete %s 1" % login), probe("look %s 1" % login)], ["1", "0", "absent"],
           "%s: deleted, with what the admin may do" % mode)
    t.ok(login not in " ".join(admin(store, 'GETACL "%s"' % eve)), "%s: a right that it had elsewhere is gone" % mode)
    admin(store, 'SETACL "%s" "%s" lrs' % (eve, login))
    t.same(probe("make %s 3" % login), "1", "%s: somebody else of that name" % mode)
    found = []
    store.imap(login, "x", lambda imap: found.extend(d.decode() for d in imap.list()[1]))
    t.ok(len(found) == 3 and not any("eve" in line for line in found), "%s: sees nothing of the former one's" % mode, found)
    # Cyrus cannot delete two of one name within a second.
    servers.wait_until(lambda: probe("delete %s 3" % login) == "1", "the mailbox to be deleted")
    t.same([probe("restore %s 3" % login), probe("look %s 3" % login)], ["1", "ours -1"], "%s: brought back, the one that was deleted last" % mode)
    t.ok(sent in " ".join(admin(store, 'LIST "" "*"')), "%s: with its folders" % mode)
    admin(store, 'CREATE "%s"' % ada.replace("ada", "old"))
    t.same([probe("look %s 4" % login.replace("ada", "old")), probe("adopt %s 4" % login.replace("ada", "old")),
            probe("look %s 4" % login.replace("ada", "old")), probe("complete %s 4" % login.replace("ada", "old"))],
           ["unstamped -1", "0", "ours -1", "0"], "%s: an old one is adopted" % mode)
    t.same(sorted(probe("each").split()), sorted([login, other, login.replace("ada", "old")]), "%s: all there are" % mode)
    t.same(probe("make %s 5" % ("x" if mode == "address" else "x@y")),
           "ERROR mailbox x: it has no domain, and mailboxes are called by addresses" if mode == "address"
           else "ERROR mailbox x@y: it has a domain, and mailboxes are called by uids", "%s: names of the other kind" % mode)
    t.same(probe.close(), 0, "%s: it ends" % mode)


class Odd:
    """A server that says LINES and then what WORDS answers."""

    def __init__(self, *lines, hold=False):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.lines, self.hold, self.kept = self.listener.getsockname()[1], lines, hold, []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            for line in self.lines:
                client.sendall(line)
            if self.hold:
                self.kept.append(client)
            else:
                client.close()


def odd_servers(t):
    closed = servers.free_port()
    odd = {
        "nobody listens": "Connection refused",
        "it hangs up": "the server ended the connection",
        "it is busy": "too many",
        "it is no IMAP": "what the server says is no IMAP",
        "it has no end": "what the server says is no IMAP",
        "it answers another command": "the server answers another command",
    }
    lines = {"it hangs up": [], "it is busy": [b"* BYE too many\r\n"], "it is no IMAP": [b"220 smtp\r\n"],
             "it has no end": [b"* OK {1048570}\r\n" + b"x" * 1100000 + b"\r\n"] * 2, "it answers another command": [b"* OK hi\r\nz9 OK\r\n"]}
    for what, want in odd.items():
        server = Odd(*lines[what]) if what in lines else None
        probe = Probe("127.0.0.1:%d" % (server.port if server else closed), "address")
        got = probe("look ada@tern.example 1")
        t.ok(got.startswith("ERROR 127.0.0.1:") and want in got, "a server where %s" % what, got)
        probe.close()
        if server:
            server.listener.close()
    silent = Odd(hold=True)
    probe = Probe("127.0.0.1:%d" % silent.port, "address")
    t.ok(probe("look ada@tern.example 1").endswith("no answer in time"), "a server that says nothing is not waited for")
    probe.close()
    plain = Odd(b"* OK hi\r\n* CAPABILITY IMAP4rev1\r\na1 OK\r\na2 BAD no such command\r\n", hold=True)
    probe = Probe("127.0.0.1:%d" % plain.port, "address", "ca=/etc/hostname")
    got = probe("look ada@tern.example 1")
    t.ok("no such command" in got, "a password does not go out without TLS where TLS is demanded", got)
    probe.close()


def main():
    lacks = cyrus.missing() or (None if os.path.exists(servers.built("tests/lib/mailbox_probe")) else "mailbox_probe is not built")
    if lacks:
        tap.skip_all(lacks)
    t = tap.Tap()
    with servers.Sandbox("agent-mailbox") as box:
        os.chmod(box.path("."), 0o755)
        yes = Yes(box.path("mux"))
        store = cyrus.Cyrus(box, yes.path, "userid").start()
        lives(t, store, "address", ("user/ada@tern.example", "user/ada/Sent@tern.example", "user/eve/shared@tern.example"))
        probe = Probe("127.0.0.1:%d" % store.imap_port, "address", password="wrong")
        t.ok("refuses cyrus" in probe("look ada@tern.example 1"), "a wrong password of the admin is said to be one")
        probe.close()
        store.stop()
        store = cyrus.Cyrus(box, yes.path, "off").start()
        lives(t, store, "uid", ("user/ada_tern_example", "user/ada_tern_example/Sent", "user/eve_tern_example/shared"))
        store.stop()
        odd_servers(t)
        yes.close()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
