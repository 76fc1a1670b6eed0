# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""saslauthd's socket: a client.

    mux.ask(path, "ada@tern.example", "adapw", "imap")      # "OK", "NO", or None: closed without a reply
"""

import socket

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
