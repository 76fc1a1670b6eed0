#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""How long after a command a password is refused: watch_login.py MUX LOGIN REALM SERVICE PASSWORD COMMAND...

Runs COMMAND and asks at saslauthd's socket all the while, until PASSWORD is refused. Prints two numbers, in milliseconds since COMMAND
began: when it had ended, and when the refusal was first seen. COMMAND's standard input is ours."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mux            # noqa: E402
import watch_command  # noqa: E402


def main():
    path, login, realm, service, password = sys.argv[1:6]
    return watch_command.run(sys.argv[6:], lambda: mux.ask(path, login, password, service, realm) == mux.NO,
                             "the password was not refused")


if __name__ == "__main__":
    sys.exit(main())
