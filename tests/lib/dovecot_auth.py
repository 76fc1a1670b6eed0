# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Just enough of Dovecot's authentication protocol that Postfix's smtpd lets a test log in: PLAIN, and any name with
the password PASSWORD.

    smtpd_sasl_type = dovecot
    smtpd_sasl_path = ispman/auth           a socket in the queue folder
"""

import base64
import os
import socket
import threading

PASSWORD = "open-sesame"


class Server:
    def __init__(self, path):
        self.path = path
        self.connections = set()

    def __enter__(self):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o666)
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error):
        for s in [self.listener] + list(self.connections):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def _accept(self):
        number = 0
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            number += 1
            self.connections.add(connection)
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection, number):
        try:
            with connection, connection.makefile("rb") as lines:
                connection.sendall(b"VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t%d\nCOOKIE\t%032d\nDONE\n"
                                   % (number, number))
                for line in lines:
                    words = line.rstrip(b"\n").split(b"\t")
                    if words[0] != b"AUTH":
                        continue
                    secret = [w[5:] for w in words if w.startswith(b"resp=")]
                    _, name, password = base64.b64decode(secret[0] if secret else b"AAA=").split(b"\0")
                    verdict = b"OK" if password == PASSWORD.encode() else b"FAIL"
                    connection.sendall(b"%s\t%s\tuser=%s\n" % (verdict, words[1], name))
        except (OSError, ValueError):
            pass
        finally:
            self.connections.discard(connection)
