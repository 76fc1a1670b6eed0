# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""The sample tree through ispman-cached to mail answers: what the original's maps give, and where we differ on purpose."""

import os
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import servers
import tap

ADA = "ada@tern.example"
STAFF = "ada@tern.example,bob.berg@tern.example,carol@elsewhere.example"
LMTP = "lmtp:[mail1.isp.example]"
GOLDEN = {
    "virtual": {
        "ada@tern.example": ADA, "ADA@Tern.Example": ADA, "ada.ames@tern.example": ADA, "postmaster@heron.example": ADA,
        "bob.berg@tern.example": "bob_berg_tern_example@mail1.isp.example,bob@elsewhere.example",
        "cas@tern.example": "cas@elsewhere.example", "staff@tern.example": STAFF, "crew@tern.example": STAFF,
        "nobody@tern.example": ADA, "anything@wren.example": None, "@wren.example": None, "x@gull.example": None,
        # Ours: the replica has what the master has, and the extension comes back.
        "ada@heron.example": ADA, "nobody@heron.example": ADA, "cas@heron.example": "cas@elsewhere.example",
        "Ada.Ames+Lists@tern.example": "ada+Lists@tern.example",
        "bob.berg+x@heron.example": "bob_berg_tern_example+x@mail1.isp.example,bob@elsewhere.example",
    },
    "domains": {"tern.example": "tern.example", "heron.example": "heron.example", "wren.example": "wren.example",
                "gull.example": None, "crow.example": None, "sub.tern.example": None},
    "relay-domains": {"gull.example": "gull.example", "crow.example": "crow.example", "tern.example": None,
                      "heron.example": None, "wren.example": None},
    # Ours: who only forwards and groups are recipients too.
    "recipients": {"ada@tern.example": ADA, "ada.ames@tern.example": "ada.ames@tern.example",
                   "bob.berg@tern.example": "bob.berg@tern.example", "@tern.example": "@tern.example",
                   "crew@tern.example": "crew@tern.example", "cas@tern.example": "cas@tern.example",
                   "x@gull.example": "x@gull.example", "x@wren.example": None},
    "transport": {"ada@tern.example": LMTP, "ada.ames@tern.example": LMTP, "bob.berg@tern.example": LMTP, "@tern.example": LMTP,
                  "cas@tern.example": None, "staff@tern.example": None, "tern.example": None, "gull.example": "smtp:",
                  "x@crow.example": "smtp:", "*": None},
    "canonical": {"@heron.example": "@tern.example", "Ada@heron.example": "Ada@tern.example",
                  "postmaster@heron.example": None, "ada@tern.example": None},
    "sender-login": {"ada@tern.example": ["ada@tern.example", "ada_tern_example"],
                     "ada@heron.example": ["ada@tern.example", "ada_tern_example"],
                     "bob.berg@tern.example": ["bob.berg@tern.example", "bob_berg_tern_example"],
                     "staff@tern.example": None, "<>": None},
    "mailbox": {"ada@tern.example": ADA, "bob.berg+x@heron.example": "bob.berg@tern.example", "cas@tern.example": None,
                "staff@tern.example": None},
    "relocated": {"ada@tern.example": None, "nobody@tern.example": None},
}


def main():
    lacks = servers.missing("cached", "ispmanctl")
    if lacks:
        tap.skip_all(lacks)
    t = tap.Tap()
    with servers.Sandbox("goldenmail") as box:
        tree = shutil.copy(os.path.join(servers.SRCDIR, "tests/data/sample.ldif"), box.path("sample.ldif"))
        os.chmod(tree, 0o640)
        cached = box.cached(source="ldif:" + tree)
        for name, rows in GOLDEN.items():
            for key, want in rows.items():
                done = cached.ctl("lookup", "mail", name, key)
                got = done.stdout.strip() if done.returncode == 0 else None
                # The uids of an entry have no order.
                if isinstance(want, list) and got is not None:
                    got = sorted(got.split(","))
                t.ok(done.returncode in (0, 1) and got == want, "%s %s" % (name, key), "got %r, want %r %s" % (got, want, done.stderr))
        done = cached.ctl("explain", "mail", "virtual", "nobody+x@heron.example")
        want = "; entries behind catch-all @tern.example\n;   uid=ada_tern_example,ou=users,ispmanDomain=tern.example,o=ispman\n"
        t.ok(want in done.stdout, "explain names the entries", done.stdout)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
