# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""A small LDAP client for tests that make many changes and must know when each was acknowledged.

    ldap = ldapclient.Connection(slapd.port, slapd.manager, slapd.password)
    ldap.add(b"ou=x,o=ispman", [("objectClass", "organizationalUnit"), ("ou", "x")])
    ldap.modify(b"ou=x,o=ispman", replace={"description": ["new"]})
    ldap.delete(b"ou=x,o=ispman")

Each call returns when the server has answered, and raises Refused when it said no.
"""

import socket

NAMES = {32: "noSuchObject", 50: "insufficientAccess", 68: "entryAlreadyExists"}


class Refused(Exception):
    def __init__(self, code, text):
        super().__init__("%d %s %s" % (code, NAMES.get(code, ""), text))
        self.code = code


def octets(value):
    return value if isinstance(value, bytes) else str(value).encode("latin-1")


def ber(tag, *parts):
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def text(value, tag=4):
    return ber(tag, octets(value))


def integer(value, tag=2):
    return ber(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def grouped(pairs):
    """[(attribute, value)] → {attribute: [values]}, in order."""
    out = {}
    for name, value in pairs:
        out.setdefault(octets(name), []).append(octets(value))
    return out


def attribute(name, values):
    return ber(0x30, text(name), ber(0x31, *[text(v) for v in values]))


class Connection:
    def __init__(self, port, who="", password=""):
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = 0
        self.ask(ber(0x60, integer(3), text(who), text(password, 0x80)))

    def close(self):
        self.socket.close()

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise EOFError("slapd closed the connection")
            data += more
        return data

    def _header(self):
        """The length of the message that comes."""
        tag, size = self._exactly(2)
        if tag != 0x30:
            raise ValueError("no LDAP message")
        return int.from_bytes(self._exactly(size & 0x7F), "big") if size & 0x80 else size

    @staticmethod
    def _read(data, at):
        tag, size = data[at], data[at + 1]
        at += 2
        if size & 0x80:
            n = size & 0x7F
            size = int.from_bytes(data[at:at + n], "big")
            at += n
        return tag, data[at:at + size], at + size

    def ask(self, operation):
        """Sends OPERATION and waits for its result."""
        self.number += 1
        self.socket.sendall(ber(0x30, integer(self.number), operation))
        data = self._exactly(self._header())
        _, _, at = self._read(data, 0)
        _, body, _ = self._read(data, at)
        _, code, at = self._read(body, 0)
        _, _, at = self._read(body, at)
        _, why, _ = self._read(body, at)
        code = int.from_bytes(code, "big")
        if code:
            raise Refused(code, why.decode("utf-8", "replace"))

    def add(self, dn, attributes):
        self.ask(ber(0x68, text(dn), ber(0x30, *[attribute(n, v) for n, v in grouped(attributes).items()])))

    def delete(self, dn):
        self.ask(text(dn, 0x4A))

    def modify(self, dn, add=None, delete=None, replace=None):
        """Each: {attribute: [values]}."""
        changes = [ber(0x30, integer(kind, 10), attribute(name, values))
                   for kind, what in ((1, delete), (0, add), (2, replace))
                   for name, values in (what or {}).items()]
        self.ask(ber(0x66, text(dn), ber(0x30, *changes)))

    def rename(self, dn, rdn, below=None, keep_old=False):
        """Another RDN, and with BELOW another parent."""
        self.ask(ber(0x6C, text(dn), text(rdn), ber(1, b"\0" if keep_old else b"\xff"),
                     *([text(below, 0x80)] if below is not None else [])))
