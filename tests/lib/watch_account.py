#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""How long after a command an account can be used: watch_account.py HOME IMAP_PORT LOGIN PASSWORD COMMAND...

Runs COMMAND and looks all the while, until there is the folder HOME and LOGIN opens its INBOX. Prints two numbers, in milliseconds since
COMMAND began: when it had ended, and when both were first seen. COMMAND's standard input is ours."""

import os
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import watch_command  # noqa: E402


def opens_inbox(port, login, password):
    """imaplib is not part of python3-minimal."""
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as connection, connection.makefile("rwb") as lines:
            lines.readline()
            for tag, command in ((b"a", b"LOGIN %s %s" % (login.encode(), password.encode())), (b"b", b"SELECT INBOX")):
                lines.write(tag + b" " + command + b"\r\n")
                lines.flush()
                line = lines.readline()
                while line and not line.startswith(tag + b" "):
                    line = lines.readline()
                if not line.startswith(tag + b" OK"):
                    return False
            return True
    except OSError:
        return False


def main():
    home, port, login, password = sys.argv[1:5]
    return watch_command.run(sys.argv[5:], lambda: os.path.isdir(home) and opens_inbox(int(port), login, password),
                             "the home or the mailbox did not come")


if __name__ == "__main__":
    sys.exit(main())
