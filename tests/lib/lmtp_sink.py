# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""A mail store for tests: takes mail over LMTP (or SMTP), and remembers what it was given.

    with lmtp_sink.Sink() as sink:                   # 127.0.0.1, and 127.0.0.2 ... when more hosts are asked for
        ... deliver to 127.0.0.1 port sink.port ...
        sink.wait_for("ada@tern.example")            # a Delivery
        sink.recipients()                            # every recipient so far

refuse("bob@x.example", "550 5.2.2 full") answers such a recipient at RCPT, refuse(..., at="data") after its message.
"""

import re
import socket
import threading

import servers


class Delivery:
    """One message for one recipient. Addresses without <>; ORCPT and NOTIFY are texts or None."""

    def __init__(self, host, protocol, sender, sender_options, recipient, options, data):
        self.host, self.protocol = host, protocol
        self.sender, self.sender_options = sender, sender_options
        self.recipient, self.options = recipient, options
        self.data = data

    @property
    def orcpt(self):
        return self.options.get("ORCPT")

    @property
    def notify(self):
        return self.options.get("NOTIFY")

    @property
    def utf8(self):
        return "SMTPUTF8" in self.sender_options

    def header(self, name):
        found = re.search(rb"(?im)^%s: *(.*)$" % name.encode(), self.data.split(b"\r\n\r\n", 1)[0])
        return found.group(1).strip().decode("utf-8", "replace") if found else None

    def __repr__(self):
        return "<%s to %s at %s by %s>" % (self.sender, self.recipient, self.host, self.protocol)


def split_path(text):
    """ "<a@b> X=1 Y" → (address, {option: value}). """
    found = re.match(r'\s*<((?:"(?:\\.|[^"\\])*"|[^">])*)>\s*(.*)$', text)
    if not found:
        return None, {}
    options = {}
    for word in found.group(2).split():
        name, _, value = word.partition("=")
        options[name.upper()] = value
    return found.group(1), options


class Sink:
    extensions = ("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES", "SIZE 10000000")

    def __init__(self, hosts=("127.0.0.1",), port=None, also=()):
        """ALSO: further (host, port) to listen at."""
        self.port = port or servers.free_port(hosts)
        self.places = [(host, self.port) for host in hosts] + list(also)
        self.changed = threading.Condition()
        self.deliveries = []
        self.refusals = {}
        self.listeners = []
        self.connections = set()
        self.closed = False

    def __enter__(self):
        return self.start()

    def __exit__(self, *error):
        self.close()

    def start(self):
        for place in self.places:
            listener = socket.create_server(place, backlog=256)
            self.listeners.append(listener)
            threading.Thread(target=self._accept, args=(listener, place[0]), daemon=True).start()
        return self

    def close(self):
        self.closed = True
        for s in self.listeners + list(self.connections):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def refuse(self, recipient, reply, at="rcpt"):
        self.refusals[(at, recipient)] = reply

    def take(self, recipient):
        """No longer refused."""
        for at in ("rcpt", "data"):
            self.refusals.pop((at, recipient), None)

    # --- what came --------------------------------------------------------------------------------

    def recipients(self):
        with self.changed:
            return sorted(d.recipient for d in self.deliveries)

    def forget(self):
        with self.changed:
            self.deliveries = []

    def find(self, recipient=None, subject=None):
        with self.changed:
            return [d for d in self.deliveries
                    if (recipient is None or d.recipient == recipient)
                    and (subject is None or d.header("Subject") == subject)]

    def wait_for(self, recipient=None, subject=None, count=1, deadline=None):
        """The first of COUNT deliveries to RECIPIENT, or with SUBJECT."""
        return servers.wait_until(
            lambda: (lambda got: got if len(got) >= count else None)(self.find(recipient, subject)),
            "mail to %s (%s); there is %s" % (recipient, subject, self.deliveries), deadline)[0]

    # --- the protocol -----------------------------------------------------------------------------

    def _accept(self, listener, host):
        while not self.closed:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections.add(connection)
            threading.Thread(target=self._serve, args=(connection, host), daemon=True).start()

    def _serve(self, connection, host):
        try:
            with connection, connection.makefile("rb") as lines:
                self._session(connection, lines, host)
        except (OSError, ValueError):
            pass
        finally:
            self.connections.discard(connection)

    def _session(self, connection, lines, host):
        def say(*replies):
            connection.sendall("".join(r + "\r\n" for r in replies).encode("utf-8", "surrogateescape"))

        protocol, sender, sender_options, recipients = "SMTP", None, {}, []
        say("220 sink.example ready")
        for line in lines:
            text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            verb = text.split(" ", 1)[0].upper()
            if verb in ("LHLO", "EHLO", "HELO"):
                protocol = "LMTP" if verb == "LHLO" else "SMTP"
                names = ["sink.example"] + list(self.extensions if verb != "HELO" else ())
                say(*["250%s%s" % ("-" if i + 1 < len(names) else " ", n) for i, n in enumerate(names)])
            elif text[:10].upper() == "MAIL FROM:":
                sender, sender_options = split_path(text[10:])
                recipients = []
                say("250 2.1.0 Ok" if sender is not None else "501 5.1.7 Bad sender")
            elif text[:8].upper() == "RCPT TO:":
                recipient, options = split_path(text[8:])
                refusal = self.refusals.get(("rcpt", recipient))
                if recipient is None:
                    refusal = "501 5.1.3 Bad recipient"
                if refusal is None:
                    recipients.append((recipient, options))
                say(refusal or "250 2.1.5 Ok")
            elif verb == "DATA":
                if not recipients:
                    say("503 5.5.1 No recipients")
                    continue
                say("354 Go ahead")
                data = []
                for line in lines:
                    if line in (b".\r\n", b".\n"):
                        break
                    data.append(line[1:] if line.startswith(b".") else line)
                self._keep(host, protocol, sender, sender_options, recipients, b"".join(data))
                replies = [self.refusals.get(("data", r), "250 2.0.0 Ok") for r, _ in recipients]
                say(*(replies if protocol == "LMTP" else replies[:1]))
                recipients = []
            elif verb == "RSET":
                recipients = []
                say("250 2.0.0 Ok")
            elif verb == "NOOP":
                say("250 2.0.0 Ok")
            elif verb == "QUIT":
                say("221 2.0.0 Bye")
                return
            else:
                say("502 5.5.2 Not known")

    def _keep(self, host, protocol, sender, sender_options, recipients, data):
        with self.changed:
            for recipient, options in recipients:
                if ("data", recipient) not in self.refusals:
                    self.deliveries.append(Delivery(host, protocol, sender, sender_options, recipient,
                                                    options, data))
            self.changed.notify_all()
