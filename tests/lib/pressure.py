# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Threads that ask all the while that a test does something else."""

import threading

import servers


class Load:
    """Threads that call ASK(number, turn) → complaint or None until they are told to stop."""

    def __init__(self, ask, threads=8):
        self.ask, self.count = ask, threads
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.asked, self.wrong = [0] * threads, []
        self.threads = [threading.Thread(target=self._run, args=(i,), daemon=True) for i in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self.stopping.set()
        for thread in self.threads:
            thread.join(servers.DEADLINE)

    def wait_more(self, count, process=None):
        """Until each thread has COUNT more answers, or a complaint."""
        goals = [asked + count for asked in self.asked]
        servers.wait_until(lambda: all(a >= g for a, g in zip(self.asked, goals)) or self.wrong, "%d more answers" % count,
                           process=process)

    def note(self, number, complaint):
        """An answer came to thread NUMBER."""
        with self.lock:
            self.asked[number] += 1
            if complaint and len(self.wrong) < 20:
                self.wrong.append("%d: %s" % (number, complaint))

    def _run(self, number):
        turn = number
        while not self.stopping.is_set():
            turn += self.count
            try:
                complaint = self.ask(number, turn)
            except Exception as e:
                complaint = repr(e)
            self.note(number, complaint)
            if complaint:
                return

    def judge(self, t, what):
        return t.ok(not self.wrong, "%s: %d answers" % (what, sum(self.asked)), "\n".join(self.wrong))
