# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""A TCP proxy on loopback that can fall silent: what a half-open connection looks like from one end.

    with Proxy(slapd.port) as proxy:
        ... ldap://127.0.0.1:%d % proxy.port ...
        proxy.freeze()          # nothing passes any more, no connection is closed
        proxy.thaw()            # new connections work; what was frozen stays dead
"""

import selectors
import socket
import threading


class Proxy:
    def __init__(self, target):
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.uri = "ldap://127.0.0.1:%d" % self.port
        self.lock = threading.Lock()
        self.frozen = False
        self.limit = None      # octets from the server until it freezes, or cuts
        self.cuts = False
        self.pairs = {}        # socket -> its other side
        self.from_server = set()
        self.dead = []
        self.accepted = 0
        self.ended = False
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def freeze(self, after=None):
        """At once, or AFTER so many octets from the server."""
        with self.lock:
            self.limit, self.cuts = after, False
            if after is None:
                self._freeze()

    def _freeze(self):
        self.frozen, self.limit = True, None
        for s in self.pairs:
            self.selector.unregister(s)
        self.dead += list(self.pairs)
        self.pairs.clear()

    def thaw(self):
        with self.lock:
            self.frozen, self.limit = False, None

    def limit_cut(self, after):
        """Closes all connections once the server has sent AFTER octets more; None: never."""
        with self.lock:
            self.limit, self.cuts = after, True

    def _cut(self):
        self.limit = None
        for s in list(self.pairs):
            self.selector.unregister(s)
            s.close()
        self.pairs.clear()

    def close(self):
        self.ended = True
        self.thread.join(5)
        for s in self.dead + list(self.pairs) + [self.listener]:
            s.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def _accept(self):
        client, _ = self.listener.accept()
        self.accepted += 1
        if self.frozen:
            self.dead.append(client)
            return
        try:
            server = socket.create_connection(("127.0.0.1", self.target), 5)
        except OSError:
            client.close()
            return
        for a, b in ((client, server), (server, client)):
            self.pairs[a] = b
            self.selector.register(a, selectors.EVENT_READ)
        self.from_server.add(server)

    def _move(self, s):
        try:
            data = s.recv(65536)
        except OSError:
            data = b""
        other = self.pairs[s]
        if s in self.from_server and self.limit is not None:
            data, self.limit = data[:self.limit], self.limit - len(data)
        try:
            if data:
                other.sendall(data)
        except OSError:
            data = b""
        if self.limit is not None and self.limit <= 0:
            self._cut() if self.cuts else self._freeze()
        elif not data:
            for end in (s, other):
                self.selector.unregister(end)
                self.pairs.pop(end)
                end.close()

    def _run(self):
        while not self.ended:
            events = self.selector.select(0.05)
            with self.lock:
                for key, _ in events:
                    if key.fileobj is self.listener:
                        self._accept()
                    elif key.fileobj in self.pairs:
                        self._move(key.fileobj)
