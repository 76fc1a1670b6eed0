#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""What each map answers for ISPMan's sample tree, said by postmap: the values that the original's own maps give, in the order
in which its configuration has them, and where we differ on purpose. From an LDIF file and from a real slapd; the daemons of a
chrooted Postfix, postmap, and ispmanctl get the same.

We differ: one question does for the address, its extension, the replica's master and the catch-all; a replica has the
addresses of its master and no others; recipients include who only forwards, and groups; the transport of two entries that
hold one address is the first one's."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import mailstage  # noqa: E402
import servers    # noqa: E402
import tap        # noqa: E402

ADA, BOB = "ada@tern.example", "bob_berg_tern_example@mail1.isp.example,bob@elsewhere.example"
STAFF = "ada@tern.example,bob.berg@tern.example,carol@elsewhere.example"
STORE = "lmtp:[mail1.isp.example]"

# (map, key, value or None)
GOLDEN = [
    ("virtual", "ada@tern.example", ADA),
    ("virtual", "ADA@Tern.Example", ADA),
    ("virtual", "ada@tern.example.", ADA),
    ("virtual", "ada.ames@tern.example", ADA),
    ("virtual", "postmaster@heron.example", ADA),
    ("virtual", "bob.berg@tern.example", BOB),
    ("virtual", "cas@tern.example", "cas@elsewhere.example"),
    ("virtual", "staff@tern.example", STAFF),
    ("virtual", "crew@tern.example", STAFF),
    ("virtual", "Crew@TERN.example", STAFF),
    # The catch-all, in one question.
    ("virtual", "nobody@tern.example", ADA),
    ("virtual", "@tern.example", ADA),
    # The replica: the master's addresses, then the master's catch-all.
    ("virtual", "ada@heron.example", ADA),
    ("virtual", "bob.berg@heron.example", BOB),
    ("virtual", "staff@heron.example", STAFF),
    ("virtual", "nobody@heron.example", ADA),
    # Extensions are put to what stays in our domains, and to mailboxes; a catch-all has none.
    ("virtual", "ada+lists@tern.example", "ada+lists@tern.example"),
    ("virtual", "Ada+Lists@tern.example", "ada+Lists@tern.example"),
    ("virtual", "ada+a+b@tern.example", "ada+a+b@tern.example"),
    ("virtual", "ada.ames+x@heron.example", "ada+x@tern.example"),
    ("virtual", "bob.berg+x@tern.example", "bob_berg_tern_example+x@mail1.isp.example,bob@elsewhere.example"),
    ("virtual", "crew+x@tern.example", "ada+x@tern.example,bob.berg+x@tern.example,carol@elsewhere.example"),
    ("virtual", "nobody+x@tern.example", ADA),
    # No catch-all there, or no domain of ours.
    ("virtual", "anything@wren.example", None),
    ("virtual", "@wren.example", None),
    ("virtual", "anything@gull.example", None),
    ("virtual", "ada@elsewhere.example", None),
    ("virtual", "ada@sub.tern.example", None),
    ("virtual", "tern.example", None),
    ("domains", "tern.example", "tern.example"),
    ("domains", "Tern.Example", "tern.example"),
    ("domains", "heron.example", "heron.example"),
    ("domains", "wren.example", "wren.example"),
    ("domains", "gull.example", None),
    ("domains", "crow.example", None),
    ("domains", "sub.tern.example", None),
    ("domains", "example", None),
    ("domains", "ada@tern.example", None),
    ("relay-domains", "gull.example", "gull.example"),
    ("relay-domains", "crow.example", "crow.example"),
    ("relay-domains", "tern.example", None),
    ("relay-domains", "heron.example", None),
    ("relay-domains", "wren.example", None),
    ("relay-domains", "sub.gull.example", None),
    ("transport", "ada@tern.example", STORE),
    ("transport", "ada.ames@tern.example", STORE),
    ("transport", "ADA+lists@tern.example", STORE),
    ("transport", "ada@heron.example", STORE),
    ("transport", "bob.berg@tern.example", STORE),
    ("transport", "nobody@tern.example", STORE),
    ("transport", "cas@tern.example", None),
    ("transport", "staff@tern.example", None),
    ("transport", "tern.example", None),
    ("transport", "*", None),
    ("transport", "x@gull.example", "smtp:"),
    ("transport", "gull.example", "smtp:"),
    ("transport", "crow.example", "smtp:"),
    ("transport", "sub.gull.example", None),
    ("transport", "x@elsewhere.example", None),
    ("recipients", "ada@tern.example", "ada@tern.example"),
    ("recipients", "ada.ames@tern.example", "ada.ames@tern.example"),
    ("recipients", "bob.berg@tern.example", "bob.berg@tern.example"),
    ("recipients", "crew@tern.example", "crew@tern.example"),
    ("recipients", "cas@tern.example", "cas@tern.example"),
    ("recipients", "nobody@tern.example", "nobody@tern.example"),
    ("recipients", "ada@heron.example", "ada@heron.example"),
    ("recipients", "anything@wren.example", None),
    ("recipients", "anything@gull.example", "anything@gull.example"),
    ("recipients", "ada@elsewhere.example", None),
    ("canonical", "ada@heron.example", "ada@tern.example"),
    ("canonical", "nobody@heron.example", "nobody@tern.example"),
    ("canonical", "@heron.example", "@tern.example"),
    # The replica has an address of its own there.
    ("canonical", "postmaster@heron.example", None),
    ("canonical", "ada@tern.example", None),
    ("canonical", "ada@elsewhere.example", None),
    ("sender-login", "ada@tern.example", "ada@tern.example,ada_tern_example"),
    ("sender-login", "Ada.Ames+x@tern.example", "ada@tern.example,ada_tern_example"),
    ("sender-login", "ada@heron.example", "ada@tern.example,ada_tern_example"),
    ("sender-login", "bob.berg@tern.example", "bob.berg@tern.example,bob_berg_tern_example"),
    ("sender-login", "ada@elsewhere.example", None),
    ("sender-login", "anything@wren.example", None),
    ("mailbox", "ada@tern.example", ADA),
    ("mailbox", "ada.ames@tern.example", ADA),
    ("mailbox", "ada@heron.example", ADA),
    ("mailbox", "bob.berg@tern.example", "bob.berg@tern.example"),
    ("mailbox", "cas@tern.example", None),
    ("mailbox", "staff@tern.example", None),
    ("relocated", "ada@tern.example", None),
]

# Keys that Postfix sends and that no record can have: absent in every map, an error in none.
ODD = ["*", "<>", '"<>"', '""', '"a b"@tern.example.invalid', "unknown", "192.0.2.1", "[192.0.2.1]", "user@[192.0.2.1]",
       "user@[IPv6:2001:db8::1]", "a@b@c.example", "@", "@@", "a@", ".", "..", "a..b@nowhere.example", " ", "\t", "a b",
       "a\\b@nowhere.example", '"', '"@nowhere.example', "x" * 3000, "x" * 300 + "@tern.example.invalid",
       "@" + "y" * 300 + ".example", "a@" + "z." * 200 + "example", "a@-.example", "a@xn--\u00e4.example", "\u00e4\u00f6@nowhere.example",
       "%s@nowhere.example", "a%00b@nowhere.example", "OK x", "5:hello,", "virtual ada@nowhere.example", "+@nowhere.example",
       "+x@nowhere.example", "a+@nowhere.example", "\U0001f426@\U0001f426.example"]


def ask_all(t, stage, source):
    wrong = []
    for name in mailstage.MAPS:
        rows = [(key, want) for m, key, want in GOLDEN if m == name]
        got = stage.mta.query_all(stage.table(name), [key for key, _ in rows])
        wrong += ["%s %s: got %r, want %r" % (name, key, got.get(key), want) for key, want in rows if got.get(key) != want]
    t.ok(not wrong, "%s: %d keys have the original's answers, or better ones" % (source, len(GOLDEN)), "\n".join(wrong))
    wrong = []
    for name, key, want in GOLDEN:
        status, output = stage.lookup(name, key)
        if (status, output) != ((1, output) if want is None else (0, want)):
            wrong.append("%s %s: got %r, want %r" % (name, key, (status, output), want))
    t.ok(not wrong, source + ": ispmanctl lookup mail says the same", "\n".join(wrong))
    wrong = []
    for name in mailstage.MAPS:
        got = stage.mta.query_all(stage.table(name), [k for k in ODD if k.strip()])
        wrong += ["%s %r: %r" % (name, key, value) for key, value in got.items()]
    t.ok(not wrong, "%s: %d odd keys are absent from each map, without an error" % (source, len(ODD)), "\n".join(wrong))


def raw_keys(t, stage):
    """What postmap does not send."""
    import socketmap
    wrong = []
    with socketmap.Client(stage.path) as client:
        for name in mailstage.MAPS:
            for key in ODD + ["", "\udcff\udcfe@tern.example", "a\0b@tern.example", "\n", "\udcc3", "ada@wren.example\0", "  ada@wren.example"]:
                reply = client.ask(name, key)
                if reply != "NOTFOUND ":
                    wrong.append("%s %r: %r" % (name, key, reply))
        t.ok(client.ask("nosuchmap", "ada@tern.example").startswith("PERM "), "a map that there is not is a permanent error")
    t.ok(not wrong, "... nor are keys that postmap would not send", "\n".join(wrong))


def explains(t, stage):
    done = stage.cached.ctl("explain", "mail", "virtual", "Ada.Ames+x@heron.example")
    t.ok(done.returncode == 0 and "uid=ada_tern_example,ou=users,ispmanDomain=tern.example,o=ispman" in done.stdout
         and "ada+x@tern.example" in done.stdout, "explain mail names the entry behind an answer", done.stdout + done.stderr)
    done = stage.cached.ctl("explain", "mail", "recipients", "nobody@wren.example")
    t.ok(done.returncode == 1 and done.stdout, "... and says what was looked for when there is none", done.stdout)


def main():
    mailstage.skip_unless_possible()
    t = tap.Tap()
    for source in ("LDIF", "slapd"):
        if source == "slapd" and servers.missing("slapd"):
            t.skip("slapd", servers.missing("slapd"))
            continue
        with servers.Sandbox("golden-mail") as box:
            stage = mailstage.MailStage(box, mailstage.sample(), slapd=source == "slapd", start=False)
            stage.socketmapd.start()
            t.same(stage.mta.check(), "", source + ": what `ispmanctl config postfix` prints is a configuration that Postfix likes")
            ask_all(t, stage, source)
            if source == "LDIF":
                raw_keys(t, stage)
                explains(t, stage)
            stage.close()
    sys.exit(t.done())


if __name__ == "__main__":
    main()
