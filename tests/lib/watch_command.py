# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""How long after the beginning of a command something is seen: what watch_account.py, watch_answer.py and watch_login.py share."""

import subprocess
import sys
import threading
import time

PATIENCE = 20


def run(command, is_there, missed):
    """Runs COMMAND and calls IS_THERE() all the while, until it is true. Prints two numbers, in milliseconds since COMMAND began: when
    it had ended, and when it was first true; or MISSED. The exit status."""
    seen = []

    def watch():
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if is_there():
                seen.append(time.monotonic())
                return
            time.sleep(0.0002)

    begin = time.monotonic()
    watcher = threading.Thread(target=watch)
    watcher.start()
    status = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
    ended = time.monotonic()
    watcher.join()
    if status or not seen:
        print("the command ended with %d" % status if status else missed, file=sys.stderr)
        return 1
    print("%.1f %.1f" % (1000 * (ended - begin), 1000 * (seen[0] - begin)))
    return 0
