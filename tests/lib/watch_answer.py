#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""How long after a command a DNS answer changes: watch_answer.py HOST PORT NAME TYPE WANT COMMAND...

Runs COMMAND and asks the name server all the while, until its answers are WANT (texts of record data
joined by ","; "-" for none). Prints two numbers, in milliseconds since COMMAND began: when it had ended, and
when the answer was first seen. COMMAND's standard input is ours."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dnsclient      # noqa: E402
import watch_command  # noqa: E402


def main():
    host, port, name, rrtype, want = sys.argv[1:6]
    address = (host, int(port))
    wanted = [] if want == "-" else sorted(want.split(","))

    def is_there():
        answer = dnsclient.query(address, name, rrtype)
        return sorted(text.split()[-1] for text in answer.answers()) == wanted

    return watch_command.run(sys.argv[6:], is_there, "the answer did not come")


if __name__ == "__main__":
    sys.exit(main())
