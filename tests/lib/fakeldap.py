# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""An LDAP server that answers what a test wants: for what OpenLDAP never does.

    class Odd(fakeldap.Server):
        def sync(self, client, id, cookie):
            client.send(id, fakeldap.entry("o=x", {"o": ["x"]}), fakeldap.state(1, UUID))

Binds succeed, the root DSE offers RFC 4533, the base has an entryUUID and a contextCSN. One thread a
connection; everything ends with the test.
"""

import socket
import threading

SYNC = "1.3.6.1.4.1.4203.1.9.1."
BASE_UUID = "11111111-1111-1111-1111-111111111111"


def tlv(tag, *contents):
    body = b"".join(contents)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    return bytes([tag, 0x84]) + len(body).to_bytes(4, "big") + body


def octets(value, tag=0x04):
    return tlv(tag, value if isinstance(value, bytes) else value.encode("utf-8"))


def number(value, tag=0x02):
    return tlv(tag, value.to_bytes(max(1, (value.bit_length() + 8) // 8), "big"))


def boolean(value):
    return tlv(0x01, b"\xff" if value else b"\0")


def read_tlv(data):
    """(tag, content, rest)"""
    tag, length, head = data[0], data[1], 2
    if length & 0x80:
        n = length & 0x7F
        length, head = int.from_bytes(data[2:2 + n], "big"), 2 + n
    return tag, data[head:head + length], data[head + length:]


def uuid(text):
    return bytes.fromhex(text.replace("-", ""))


def entry(dn, attributes):
    return tlv(0x64, octets(dn), tlv(0x30, *[
        tlv(0x30, octets(name), tlv(0x31, *[octets(v) for v in values]))
        for name, values in attributes.items()]))


def result(code, text="", tag=0x65, *more):
    return tlv(tag, number(code, 0x0A), octets(""), octets(text), *more)


def control(oid, value):
    return tlv(0x30, octets(oid), octets(value))


def state(kind, id, cookie=None):
    return control(SYNC + "2", tlv(0x30, number(kind, 0x0A), octets(uuid(id)),
                                   *([octets(cookie)] if cookie is not None else [])))


def done(cookie=None, deletes=False):
    return control(SYNC + "3", tlv(0x30, *([octets(cookie)] if cookie is not None else []),
                                   boolean(deletes)))


def info(value):
    return tlv(0x79, octets(SYNC + "4", 0x80), octets(value, 0x81))


def refresh_present(cookie=None, complete=True):
    return info(tlv(0xA2, *([octets(cookie)] if cookie is not None else []), boolean(complete)))


def refresh_delete(cookie=None, complete=True):
    return info(tlv(0xA1, *([octets(cookie)] if cookie is not None else []), boolean(complete)))


def notice_of_disconnection(code, text):
    return result(code, text, 0x78, octets("1.3.6.1.4.1.1466.20036", 0x8A))


class Client:
    def __init__(self, s):
        self.socket = s

    def send(self, id, operation, *controls):
        self.socket.sendall(tlv(0x30, number(id), operation,
                                *([tlv(0xA0, *controls)] if controls else [])))


class Server:
    context_csn = []
    controls = [SYNC + "1"]

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.uri = "ldap://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.searches = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def sync(self, client, id, cookie):
        """A synchronising search came: cookie is None when none was sent."""

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(s,), daemon=True).start()

    @staticmethod
    def _read(s):
        data = b""
        while True:
            if len(data) > 6:
                try:
                    _, content, rest = read_tlv(data)
                except IndexError:
                    content, rest = b"", b""
                length = data[1] if data[1] < 128 else int.from_bytes(data[2:2 + (data[1] & 127)], "big")
                if len(content) == length:
                    yield content
                    data = rest
                    continue
            more = s.recv(65536)
            if not more:
                return
            data += more

    def _serve(self, s):
        client = Client(s)
        try:
            for message in self._read(s):
                _, id, rest = read_tlv(message)
                tag, operation, rest = read_tlv(rest)
                id = int.from_bytes(id, "big")
                if tag == 0x42:
                    break
                if tag == 0x60:
                    client.send(id, result(0, "", 0x61))
                elif tag == 0x63:
                    self._search(client, id, operation, rest)
        except OSError:
            pass
        s.close()

    def _search(self, client, id, operation, controls):
        _, base, operation = read_tlv(operation)
        _, scope, operation = read_tlv(operation)
        if controls:
            _, controls, _ = read_tlv(controls)
            _, control, _ = read_tlv(controls)
            value = b""
            while control:
                _, value, control = read_tlv(control)
            _, value, _ = read_tlv(value)
            _, _, value = read_tlv(value)
            cookie = read_tlv(value)[1].decode() if value and value[0] == 4 else None
            self.searches += 1
            self.sync(client, id, cookie)
        elif scope == b"\0":
            values = {"supportedControl": self.controls} if not base else {
                "entryUUID": [BASE_UUID], **({"contextCSN": self.context_csn} if self.context_csn else {})}
            client.send(id, entry(base.decode(), values))
            client.send(id, result(0))
