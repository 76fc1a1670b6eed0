#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""How long after a command a DNS answer changes: watch_answer.py HOST PORT NAME TYPE WANT COMMAND...

Runs COMMAND and asks the name server all the while, until its answers are WANT (texts of record data
joined by ","; "-" for none). Prints two numbers, in milliseconds since COMMAND began: when it had ended, and
when the answer was first seen. COMMAND's standard input is ours."""

import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dnsclient  # noqa: E402

PATIENCE = 20


def main():
    host, port, name, rrtype, want = sys.argv[1:6]
    address = (host, int(port))
    wanted = [] if want == "-" else sorted(want.split(","))
    seen = []

    def watch():
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            answer = dnsclient.query(address, name, rrtype)
            if sorted(text.split()[-1] for text in answer.answers()) == wanted:
                seen.append(time.monotonic())
                return
            time.sleep(0.0002)

    begin = time.monotonic()
    watcher = threading.Thread(target=watch)
    watcher.start()
    status = subprocess.run(sys.argv[6:], stdout=subprocess.DEVNULL).returncode
    ended = time.monotonic()
    watcher.join()
    if status or not seen:
        print("the command ended with %d" % status if status else "the answer did not come", file=sys.stderr)
        return 1
    print("%.1f %.1f" % (1000 * (ended - begin), 1000 * (seen[0] - begin)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
