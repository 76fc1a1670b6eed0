#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""How long after a command a password is refused: watch_login.py MUX LOGIN REALM SERVICE PASSWORD COMMAND...

Runs COMMAND and asks at saslauthd's socket all the while, until PASSWORD is refused. Prints two numbers, in milliseconds since COMMAND
began: when it had ended, and when the refusal was first seen. COMMAND's standard input is ours."""

import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mux  # noqa: E402

PATIENCE = 20


def main():
    path, login, realm, service, password = sys.argv[1:6]
    seen = []

    def watch():
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if mux.ask(path, login, password, service, realm) == mux.NO:
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
        print("the command ended with %d" % status if status else "the password was not refused", file=sys.stderr)
        return 1
    print("%.1f %.1f" % (1000 * (ended - begin), 1000 * (seen[0] - begin)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
