#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Mail from end to end through a real, chrooted Postfix that has what `ispmanctl config postfix` prints, to mail stores that
say what they were given: who is accepted, who is refused, who gets it, and that nothing is ever put off with 451."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import dovecot_auth  # noqa: E402
import mailstage     # noqa: E402
import servers       # noqa: E402
import socketmap     # noqa: E402
import tap           # noqa: E402

from mailstage import AWAY, STORE1, STORE2  # noqa: E402

TERN, OSPREY, HERON, WREN, GULL, BOOKS = ("tern.example", "osprey.example", "heron.example", "wren.example", "gull.example",
                                          "xn--bcher-kva.example")
MULE = "mule.example"


def tree():
    t = mailstage.MailTree()
    t.setting("primaryDNS", "ns1.isp.example")
    for name in (TERN, OSPREY, MULE, BOOKS):
        t.mail_domain(name)
    t.mail_domain(HERON, "replica", master=OSPREY)
    t.mail_domain(WREN, ispmanStatus="suspended")
    t.mail_domain(GULL, "slave", delivery="smtp", masters="198.51.100.1")
    t.user(TERN, "tom", mailAlias=["@" + TERN])
    t.user(TERN, "quiet", host=None)
    t.user(OSPREY, "ada", mailAlias=["ada.ames@" + OSPREY, "postmaster@" + HERON])
    t.user(OSPREY, "bea", host="mail2.isp.example", mailForwardingAddress="bea@elsewhere.example")
    t.user(OSPREY, "cas", host=None, mailForwardingAddress=["cas@elsewhere.example", "ada@" + OSPREY])
    t.user(OSPREY, "dora", ispmanStatus="suspended")
    t.user(OSPREY, "Mixed.Case", mailAlias="MiXeD@" + OSPREY)
    t.user(OSPREY, "old.style", routing="old_style_osprey_example@mail2.isp.example")
    t.user(OSPREY, "odd", address='"odd user"@' + OSPREY)
    t.user(OSPREY, "jorg", address="j\u00f6rg@" + OSPREY)
    t.user(BOOKS, "anna")
    t.user(WREN, "will")
    t.user(OSPREY, "eve", ispmanMailRelocatedTo="eve@new.example", mailAlias="eva@" + OSPREY)
    t.user(OSPREY, "fay", mailForwardingAddress="fay@elsewhere.example", ispmanMailKeepCopy="FALSE",
           ispmanSenderLogin="ada_osprey_example")
    t.group(OSPREY, "team", ["ada@" + OSPREY, "bea@" + OSPREY, "carol@elsewhere.example"])
    t.group(OSPREY, "everybody", ["team@" + OSPREY, "dora@" + OSPREY, "ada@" + HERON], mailAlias="all@" + OSPREY)
    t.group(OSPREY, "ring1", ["ring2@" + OSPREY, "ada@" + OSPREY])
    t.group(OSPREY, "ring2", ["ring1@" + OSPREY, "tom@" + TERN])
    t.user(OSPREY, "dan", host=None, mailForwardingAddress=["round@" + OSPREY, "dan@elsewhere.example"])
    t.group(OSPREY, "round", ["dan@" + HERON, "ada@" + OSPREY])
    t.user(OSPREY, "ping", host=None, mailForwardingAddress="pong@" + OSPREY)
    t.user(OSPREY, "pong", host=None, mailForwardingAddress="ping@" + OSPREY)
    return t


def rejects(t, stage, rows, what, sender="someone@away.example"):
    """ROWS of (recipient, reply code)."""
    wrong = []
    with stage.mta.session() as smtp:
        for recipient, want in rows:
            options = "" if recipient.isascii() else "SMTPUTF8"
            got = smtp.try_recipient(recipient, sender, options)
            if got[0] != want:
                wrong.append("%s: got %d %s, want %d" % (recipient, got[0], got[1], want))
    t.ok(not wrong, "%s: %d recipients" % (what, len(rows)), "\n".join(wrong))


def delivers(t, stage, recipient, want, what, sender="someone@away.example"):
    """WANT: [(where, whom)]."""
    options = "" if (recipient + sender).isascii() else "SMTPUTF8"
    try:
        got = stage.deliver(recipient, sender, options, count=len(want))
    except Exception as e:  # a refusal or a deadline is this result's, not the end of all
        got = "%s: %s" % (type(e).__name__, e)
    t.same(got, sorted(want), "%s: %s" % (recipient, what))


def at_the_door(t, stage):
    rejects(t, stage, [
        ("ada@osprey.example", 250), ("ADA@OSPREY.EXAMPLE", 250), ("ada+x@osprey.example", 250), ("ada.ames@osprey.example", 250),
        ("ada@heron.example", 250), ("postmaster@heron.example", 250), ("team@osprey.example", 250), ("all@heron.example", 250),
        ("cas@osprey.example", 250), ("dora@osprey.example", 250), ("old.style@osprey.example", 250),
        ("anybody@tern.example", 250), ("anybody+x@tern.example", 250), ("will@wren.example", 250), ("x@gull.example", 250),
        ("anna@xn--bcher-kva.example", 250)], "accepted")
    rejects(t, stage, [
        ("nobody@osprey.example", 550), ("ada-x@osprey.example", 550), ("nobody@heron.example", 550), ("tom@osprey.example", 550),
        ("postmaster@wren.example", 550), ("ada_osprey_example@osprey.example", 550), ("anna@bcher.example", 554),
        ("x@sub.gull.example", 554), ("x@sub.osprey.example", 554), ("x@elsewhere.example", 554),
        ("anna@example", 554)], "refused for good")
    rejects(t, stage, [("ada@osprey.example", 250), ("nobody@osprey.example", 550)], "from the null sender", sender="")
    with stage.mta.session() as smtp:
        for recipient in ("eve@osprey.example", "Eva+x@heron.example"):
            code, text = smtp.try_recipient(recipient)
            t.ok(code == 550 and text.startswith("5.1.6") and "eve@new.example" in text, recipient + " has moved, and that is said",
                 (code, text))


def odd(t, stage):
    """Addresses that no list of accounts has: any answer but 4xx, which would have the sender try for days."""
    local = ['""', '" "', '"a b"', '"a@b"', '"a\\"b"', "a%b", "a!b", "a/b", "a&b", "*", "%", "+", "+x", "ada+", "ada++x", "\u00e4\u00f6\u00fc",
             "a" * 64, "a" * 200, "owner-team", "team-request", "'", "$x", "a=b", "=", "{", "~", "-", "--x", "0", "1e1", "virtual ada"]
    addresses = ["%s@%s" % (part, domain) for part in local for domain in (OSPREY, HERON, WREN, GULL)]
    addresses += ["ada@osprey.example.", "ada@[127.0.0.1]", "ada@[IPv6:::1]", "ada@b@osprey.example", "@away.example:ada@osprey.example",
                  "ada", "ada@", "@osprey.example", "ada@osprey..example", "ada%osprey.example@osprey.example", "osprey.example!ada",
                  "ada@-osprey.example", "ada@" + "x" * 63 + ".example", "ada@" + "x." * 100 + "example",
                  "ada@xn--zzzzzzz.example", "ada@\u00fc\u00fc.example", "ada@b\u00fccher.example", "anna@B\u00dcCHER.example",
                  "postmaster", "root", "a b@osprey.example", "ada@osprey.example,x", "<ada@osprey.example"]
    late = []
    with stage.mta.session() as smtp:
        for address in addresses:
            for sender in ("someone@away.example", "", "ada@osprey.example"):
                smtp.reset()
                smtp.mail(sender, "" if address.isascii() else "SMTPUTF8")
                code, text = smtp.rcpt(address)
                if 400 <= code < 500:
                    late.append("%r from %r: %d %s" % (address, sender, code, text))
    t.ok(not late, "%d odd addresses: none is put off" % len(addresses), "\n".join(late))
    # As senders too: their addresses go through maps.
    late = []
    with stage.mta.session() as smtp:
        for address in addresses:
            smtp.reset()
            if smtp.mail(address, "" if address.isascii() else "SMTPUTF8")[0] != 250:
                continue
            code, text = smtp.rcpt("ada@osprey.example")
            if 400 <= code < 500:
                late.append("%r: %d %s" % (address, code, text))
    t.ok(not late, "... nor as senders", "\n".join(late))


def to_the_store(t, stage):
    ada, tom = (STORE1, "ada@osprey.example"), (STORE1, "tom@tern.example")
    bea = [(STORE2, "bea@osprey.example"), (AWAY, "bea@elsewhere.example")]
    team = [ada, (AWAY, "carol@elsewhere.example")] + bea
    dora = (STORE1, "dora@osprey.example")
    for recipient, want, what in (
            ("ada@osprey.example", [ada], "to her store, over LMTP"),
            ("ADA.Ames@Osprey.Example", [ada], "an alias, in any case"),
            ("ada+Lists@osprey.example", [(STORE1, "ada+Lists@osprey.example")], "the extension goes with her"),
            ("ada.ames+x@heron.example", [(STORE1, "ada+x@osprey.example")], "alias, replica and extension at once"),
            ("ada@heron.example", [ada], "the replica has the master's addresses"),
            ("postmaster@heron.example", [ada], "an alias of the replica"),
            ("mixed@osprey.example", [(STORE1, "Mixed.Case@osprey.example")], "the spelling is the directory's"),
            ("bea@osprey.example", bea, "mailbox and forward, each at its place"),
            ("bea+x@osprey.example", [(STORE2, "bea+x@osprey.example"), (AWAY, "bea@elsewhere.example")],
             "the extension stays with us"),
            ("cas@osprey.example", [(AWAY, "cas@elsewhere.example"), ada], "forward only"),
            ("fay@osprey.example", [(AWAY, "fay@elsewhere.example")], "forwarded, and no copy kept"),
            ("dora@osprey.example", [dora], "a suspended user gets mail"),
            ("will@wren.example", [(STORE1, "will@wren.example")], "and one of a suspended domain"),
            ("old.style@osprey.example", [(STORE2, "old_style_osprey_example@mail2.isp.example")], "a routing address at the store"),
            ("old.style+x@osprey.example", [(STORE2, "old_style_osprey_example+x@mail2.isp.example")], "with an extension"),
            ("anybody@tern.example", [tom], "the catch-all"),
            ("any+body@tern.example", [tom], "the catch-all takes no extension along"),
            ("tom+x@tern.example", [(STORE1, "tom+x@tern.example")], "who exists is not swallowed by the catch-all"),
            ("team@osprey.example", team, "a group"),
            ("all@osprey.example", team + [dora], "a group of groups: each member once"),
            ("all@heron.example", team + [dora], "a group, in the replica's name"),
            ("ring1@osprey.example", [ada, tom], "groups that have each other"),
            ("round@heron.example", [ada, (AWAY, "dan@elsewhere.example")], "forwards and a group that lead back"),
            ("someone@gull.example", [(AWAY, "someone@gull.example")], "a domain that we relay"),
            ('"odd user"@osprey.example', [(STORE1, '"odd user"@osprey.example')], "a quoted local part"),
            ("j\u00f6rg@osprey.example", [(STORE1, "j\u00f6rg@osprey.example")], "UTF-8"),
            ("J\u00d6RG@heron.example", [(STORE1, "j\u00f6rg@osprey.example")], "UTF-8 in capitals, in the replica"),
            ("jo\u0308rg@osprey.example", [(STORE1, "j\u00f6rg@osprey.example")], "UTF-8, composed otherwise"),
            ("anna@xn--bcher-kva.example", [(STORE1, "anna@xn--bcher-kva.example")], "an international domain"),
            ("Anna@B\u00fccher.example", [(STORE1, "anna@xn--bcher-kva.example")], "the same as people write it")):
        delivers(t, stage, recipient, want, what)
    delivers(t, stage, "ada@osprey.example", [ada], "from the null sender", sender="")
    t.same({d.protocol for d in stage.sink.find("ada@osprey.example")}, {"LMTP"}, "mailboxes are reached over LMTP")
    with stage.mta.session() as smtp:
        smtp.send("someone@away.example", ["ada@osprey.example", "ada.ames@heron.example", "bea@osprey.example"], "to several")
    stage.sink.wait_for("bea@elsewhere.example", subject="to several")
    stage.mta.wait_empty()
    t.same(sorted(d.recipient for d in stage.sink.find(subject="to several")),
           ["ada@osprey.example", "ada@osprey.example", "bea@elsewhere.example", "bea@osprey.example"],
           "several recipients: each has what was sent to it (Postfix tells copies by the address they were sent to)")


def endless(t, stage):
    """Forwards that have only each other: the sender is told, and nothing is put off."""
    stage.sink.forget()
    with stage.mta.session() as smtp:
        smtp.send("round-and-round@away.example", ["ping@osprey.example"], "endless")
    report = stage.sink.wait_for("round-and-round@away.example")
    t.ok(report.sender == "" and b"ping@osprey.example" in report.data, "forwards that have only each other are returned", report.data)


def without_store(t, stage):
    """A mailbox that is an address and no more: the catch-all has it, as in the original."""
    t.same(stage.query("virtual", "quiet@tern.example"), "tom@tern.example", "an entry without mailbox and forward leaves it to the catch-all")


def changes(t, stage):
    """What changes in the directory while mail flows."""
    dn = stage.tree.user(OSPREY, "new", host="mail2.isp.example")
    stage.push()
    t.same(stage.query("virtual", "new@osprey.example"), "new@osprey.example", "a new user is there")
    delivers(t, stage, "new+1@osprey.example", [(STORE2, "new+1@osprey.example")], "and gets mail")
    stage.tree.change(dn, mailHost="mail1.isp.example")
    stage.push()
    delivers(t, stage, "new+2@osprey.example", [(STORE1, "new+2@osprey.example")], "at the new store after a move")
    stage.tree.remove(dn)
    stage.push()
    t.same(stage.query("virtual", "new@osprey.example"), None, "and is gone")
    stage.tree.mail_domain("plover.example")
    stage.tree.user("plover.example", "pat")
    stage.push()
    # smtpd remembers what class a domain had; it never saw this one.
    delivers(t, stage, "pat@plover.example", [(STORE1, "pat@plover.example")], "a new domain")


def logins(t, stage, port):
    """MAIL FROM against who is logged in."""
    rows = [
        # login, sender, allowed
        ("ada_osprey_example", "ada@osprey.example", True), ("ada_osprey_example", "Ada.Ames+x@osprey.example", True),
        ("ada_osprey_example", "ada@heron.example", True), ("ada_osprey_example", "bea@osprey.example", False),
        ("ada_osprey_example", "tom@tern.example", False), ("ada_osprey_example", "team@osprey.example", False),
        ("fay_osprey_example", "fay@osprey.example", True), ("ada_osprey_example", "fay@osprey.example", True),
        ("tom_tern_example", "fay@osprey.example", False), ("tom_tern_example", "tom@tern.example", True), ("tom_tern_example", "ada@osprey.example", False),
        ("mallory_mule_example", "ada@osprey.example", False), ("mallory_mule_example", "j\u00f6rg@osprey.example", False),
        ("jorg_osprey_example", "J\u00f6rg@osprey.example", True),
    ]
    wrong = []
    for login, sender, allowed in rows:
        with stage.mta.session(port=port) as smtp:
            if smtp.login(login, dovecot_auth.PASSWORD)[0] != 235:
                wrong.append(login + " could not log in")
                continue
            code, text = smtp.try_recipient("x@elsewhere.example", sender, "" if sender.isascii() else "SMTPUTF8")
            if code != (250 if allowed else 553):
                wrong.append("%s as %s: %d %s" % (login, sender, code, text))
    t.ok(not wrong, "%d senders and logins: each sends as itself and as nobody else" % len(rows), "\n".join(wrong))


def foreign(t, stage):
    """The admin of mule.example writes into his own subtree what is not his."""
    victims = ["ada@osprey.example", "bea@osprey.example", "nobody@osprey.example", "ada@heron.example", "nobody@heron.example",
               "team@osprey.example", "x@gull.example", "free@osprey.example", "@osprey.example", "@heron.example",
               "will@wren.example", "osprey.example", "gull.example", "sub.osprey.example"]

    def said():
        with socketmap.Client(stage.path) as client:
            return {(m, v): client.ask(m, v) for m in mailstage.MAPS for v in victims}

    before = said()
    bad = stage.tree.user(MULE, "mallory", mailAlias=["ada@osprey.example", "free@osprey.example", "@osprey.example", "@heron.example",
                                                      "x@gull.example", "nobody@heron.example", "will@wren.example",
                                                      "mallory2@mule.example"])
    stage.tree.user(MULE, "thief", address="bea@osprey.example", mailForwardingAddress="thief@elsewhere.example")
    stage.tree.user(MULE, "liar", ispmanDomain=OSPREY, mailAlias="free@osprey.example")
    stage.tree.group(MULE, "fence", ["fence@elsewhere.example"], address="team@osprey.example", mailAlias="free@osprey.example")
    stage.tree.change(bad, uid=["mallory_mule_example", "ada_osprey_example", "ada@osprey.example"])
    stage.push()
    after = said()
    t.same({k: v for k, v in after.items() if before[k] != v}, {}, "claims to the addresses of others have no effect on any map")
    delivers(t, stage, "bea@osprey.example", [(STORE2, "bea@osprey.example"), (AWAY, "bea@elsewhere.example")], "as before")
    delivers(t, stage, "mallory2@mule.example", [(STORE1, "mallory@mule.example")], "what is theirs works")
    t.same(stage.query("sender-login", "ada@osprey.example"), "ada_osprey_example", "nor on who may send as whom")
    told = stage.problems()
    for claimed in ("osprey.example", "heron.example", "gull.example", "wren.example"):
        found = [p for p in told if claimed in str(p) and "mule" in str(p)]
        t.ok(found, "the claim to addresses of %s is a problem with the entry's name" % claimed, told)


def suspended(t):
    """Both switches: the door is closed."""
    for switch, recipient in (("suspended-users", "dora@osprey.example"), ("suspended-domains", "will@wren.example")):
        with servers.Sandbox("smtp-suspended") as box:
            stage = mailstage.MailStage(box, tree(), settings={"mail": {switch: "refuse"}})
            rejects(t, stage, [(recipient, 554 if "domains" in switch else 550), ("ada@osprey.example", 250)], switch)
            if switch.endswith("users"):
                delivers(t, stage, "all@osprey.example", [
                    (STORE1, "ada@osprey.example"), (STORE2, "bea@osprey.example"), (AWAY, "bea@elsewhere.example"),
                    (AWAY, "carol@elsewhere.example")], "a group without the suspended member")
                report = stage.sink.wait_for("someone@away.example")
                t.ok(report.sender == "" and b"dora@osprey.example" in report.data, "... whose mail is returned", report.data)
            stage.close()


def expanded(t):
    """Groups flattened by us instead of by Postfix: the same deliveries."""
    with servers.Sandbox("smtp-expand") as box:
        stage = mailstage.MailStage(box, tree(), settings={"mail": {"expand-groups": "yes"}})
        got = stage.query("virtual", "all@heron.example")
        t.same(sorted((got or "").split(",")), ["ada@heron.example", "ada@osprey.example", "bea@osprey.example",
                                                "carol@elsewhere.example", "dora@osprey.example"], "one answer has all members")
        delivers(t, stage, "all@osprey.example", [
            (STORE1, "ada@osprey.example"), (STORE2, "bea@osprey.example"), (AWAY, "bea@elsewhere.example"),
            (AWAY, "carol@elsewhere.example"), (STORE1, "dora@osprey.example")], "the same deliveries")
        delivers(t, stage, "ring2@osprey.example", [(STORE1, "ada@osprey.example"), (STORE1, "tom@tern.example")], "and rings")
        stage.close()


def second_setup(t):
    """Addresses that become logins at a store; virtual_alias_domains."""
    small = mailstage.MailTree()
    small.mail_domain(OSPREY)
    small.mail_domain(HERON, "replica", master=OSPREY)
    small.mail_domain(GULL, "slave", delivery="smtp", masters="198.51.100.1")
    small.user(OSPREY, "ada", routing="ada_osprey_example@mail1.isp.example", mailAlias="@osprey.example")
    small.user(OSPREY, "bea", routing="bea_osprey_example@mail2.isp.example", mailForwardingAddress="bea@elsewhere.example")
    small.group(OSPREY, "team", ["ada@osprey.example", "bea@osprey.example"])
    with servers.Sandbox("smtp-logins") as box:
        stage = mailstage.MailStage(box, small, setup=2)
        t.same(stage.mta.check(), "", "set-up 2: a configuration that Postfix likes")
        t.same(stage.mta.setting("relay_domains").split(), [stage.table("relay-domains")], "set-up 2 is taken as it stands there")
        ada, bea = (STORE1, "ada_osprey_example@mail1.isp.example"), (STORE2, "bea_osprey_example@mail2.isp.example")
        for recipient, want, what in (
                ("ada@osprey.example", [ada], "set-up 2: to her store"),
                ("ada+x@heron.example", [(STORE1, "ada_osprey_example+x@mail1.isp.example")], "replica and extension"),
                ("bea@osprey.example", [bea, (AWAY, "bea@elsewhere.example")], "mailbox and forward"),
                ("team@osprey.example", [ada, bea, (AWAY, "bea@elsewhere.example")], "a group"),
                ("anybody@osprey.example", [ada], "the catch-all"),
                ("x@gull.example", [(AWAY, "x@gull.example")], "relayed")):
            delivers(t, stage, recipient, want, what)
        rejects(t, stage, [("x@sub.osprey.example", 554)], "set-up 2: refused")
        stage.close()


SUBMISSION = """127.0.0.1:%d inet n - y - - smtpd
    -o smtpd_sasl_auth_enable=yes
    -o smtpd_sasl_type=dovecot
    -o smtpd_sasl_path=ispman/auth
    -o smtpd_sender_restrictions=reject_sender_login_mismatch
    -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
"""


def main():
    mailstage.skip_unless_possible()
    t = tap.Tap()
    wanted = sys.argv[1:]
    with servers.Sandbox("smtp") as box:
        port = servers.free_port()
        stage = mailstage.MailStage(box, tree(), master_lines=SUBMISSION % port)
        t.same(stage.mta.check(), "", "what `ispmanctl config postfix` prints is a configuration that Postfix likes")
        with dovecot_auth.Server(stage.mta.queue + "/ispman/auth"):
            for test in (at_the_door, odd, to_the_store, endless, without_store, changes, logins, foreign):
                if not wanted or test.__name__ in wanted:
                    args = (port,) if test is logins else ()
                    t.case(test.__name__ + " came to its end", test, t, stage, *args)
        t.same(stage.temporary(), [], "Postfix's log tells of no failed lookup")
        stage.close()
    for test in (suspended, expanded, second_setup):
        if not wanted or test.__name__ in wanted:
            t.case(test.__name__ + " came to its end", test, t)
    sys.exit(t.done())


if __name__ == "__main__":
    main()
