# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""TAP for the integration tests: numbered results, diagnostics, and an exit status that agrees.

    t = tap.Tap()
    t.same(got, want, "what this shows")
    sys.exit(t.done())

A test whose tools are missing says skip_all(why). With ISPMAN_NO_SKIP in the environment (CI) that
is a failure: a test that silently never runs proves nothing.
"""

import os
import sys
import traceback


def say(text):
    """Diagnostics: lines that TAP readers show but do not judge."""
    for line in str(text).splitlines() or [""]:
        print("# " + line)
    sys.stdout.flush()


class Tap:
    def __init__(self):
        self.count = 0
        self.failed = 0

    def ok(self, passed, name, why=None):
        self.count += 1
        if not passed:
            self.failed += 1
            if why is not None:
                say(why)
        name = str(name).replace("#", "\\#").replace("\n", " ")
        print("%sok %d - %s" % ("" if passed else "not ", self.count, name))
        sys.stdout.flush()
        return bool(passed)

    def same(self, got, want, name):
        return self.ok(got == want, name, "got  %r\nwant %r" % (got, want))

    def case(self, name, function, *args):
        """One result for FUNCTION: it passes unless it raises."""
        try:
            function(*args)
        except Exception:
            return self.ok(False, name, traceback.format_exc())
        return self.ok(True, name)

    def skip(self, name, why):
        """A part that cannot run here."""
        if os.environ.get("ISPMAN_NO_SKIP"):
            return self.ok(False, name, "cannot run: " + why)
        self.count += 1
        print("ok %d - %s # SKIP %s" % (self.count, name, why))
        return True

    def done(self):
        print("1..%d" % self.count)
        sys.stdout.flush()
        return 1 if self.failed or not self.count else 0


def skip_all(why):
    if os.environ.get("ISPMAN_NO_SKIP"):
        print("1..1\nnot ok 1 - cannot run: %s" % why)
        sys.exit(1)
    print("1..0 # SKIP %s" % why)
    sys.exit(0)
