# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""The socketmap protocol for tests: a client, and a server that answers from a dictionary.

    with socketmap.Server(path, {("virtual", "a@b.example"): "a@b.example"}): ...
    socketmap.Client(path).ask("virtual", "a@b.example")         # "OK a@b.example"
"""

import os
import socket
import threading


def netstring(octets):
    return b"%d:%s," % (len(octets), octets)


def read_netstring(stream):
    """The octets, or None at the end."""
    digits = b""
    while True:
        c = stream.read(1)
        if not c:
            return None
        if c == b":":
            break
        digits += c
    octets = stream.read(int(digits) + 1)
    return octets[:-1] if octets.endswith(b",") else None


class Client:
    def __init__(self, path, timeout=30):
        self.path = path
        if isinstance(path, tuple):
            self.socket = socket.create_connection(path, timeout)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(path)
        self.stream = self.socket.makefile("rb")

    def ask(self, name, key):
        """The whole reply; octets that are not UTF-8 as surrogates."""
        self.socket.sendall(netstring(("%s %s" % (name, key)).encode("utf-8", "surrogateescape")))
        reply = read_netstring(self.stream)
        if reply is None:
            raise ConnectionResetError("closed without a reply")
        return reply.decode("utf-8", "surrogateescape")

    def close(self):
        self.stream.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


class Server:
    """ANSWERS {(map, key): value}, or a function of both that returns a whole reply. asked has every question."""

    def __init__(self, path, answers, mode=0o666):
        self.path, self.answers, self.mode = path, answers, mode
        self.asked = []
        self.connections = set()

    def __enter__(self):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        os.chmod(self.path, self.mode)
        self.listener.listen(4096)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error):
        for s in [self.listener] + list(self.connections):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()
        os.unlink(self.path)

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with connection, connection.makefile("rb") as stream:
                while (request := read_netstring(stream)) is not None:
                    name, _, key = request.decode("utf-8", "surrogateescape").partition(" ")
                    self.asked.append((name, key))
                    if callable(self.answers):
                        reply = self.answers(name, key)
                    else:
                        value = self.answers.get((name, key))
                        reply = "NOTFOUND " if value is None else "OK " + value
                    connection.sendall(netstring(reply.encode("utf-8", "surrogateescape")))
        except (OSError, ValueError):
            pass
        finally:
            self.connections.discard(connection)
