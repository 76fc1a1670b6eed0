#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""What the mail tests stand on, with a socketmap server that is none of ours: a private Postfix with chrooted daemons,
the mail store, logins; and the facts about Postfix that our answers rely on."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))

import dovecot_auth
import lmtp_sink
import postfix
import servers
import socketmap
import tap

MAPS = """
relay_domains = socketmap:unix:ispman/map:domains
relay_recipient_maps = socketmap:unix:ispman/map:recipients
virtual_alias_maps = socketmap:unix:ispman/map:virtual
transport_maps = socketmap:unix:ispman/map:transport
smtpd_sender_login_maps = socketmap:unix:ispman/map:sender-login
recipient_delimiter = +
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = ispman/auth
smtpd_recipient_restrictions = reject_sender_login_mismatch, permit
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
"""
ANSWERS = {
    ("domains", "tern.example"): "tern.example",
    ("virtual", "ada@tern.example"): "ada@tern.example",
    ("virtual", "Ada+lists@Tern.Example"): "ada+lists@tern.example",
    ("virtual", "ada+lists@tern.example"): "ada+lists@tern.example",
    ("virtual", "empty@tern.example"): "",
    ("recipients", "ada@tern.example"): "ada@tern.example",
    ("transport", "ada@tern.example"): "lmtp:[mail1.isp.example]",
    ("transport", "ada+lists@tern.example"): "lmtp:[mail1.isp.example]",
    ("sender-login", "ada@tern.example"): "ada_tern_example,ada@tern.example",
}


def main():
    why = postfix.missing()
    if why:
        tap.skip_all(why)
    t = tap.Tap()
    with servers.Sandbox("postfix") as box, lmtp_sink.Sink() as sink:
        mta = postfix.Postfix(box, main=MAPS, hosts={"mail1.isp.example": "127.0.0.1"}, lmtp_port=sink.port)
        t.same(mta.check(), "", "the configuration is one that Postfix likes")
        with socketmap.Server(mta.queue + "/ispman/map", ANSWERS) as maps, \
                dovecot_auth.Server(mta.queue + "/ispman/auth"):
            mta.start()
            t.same(os.readlink("/proc/%d/root" % smtpd_of(mta)), mta.queue, "smtpd is chrooted in the queue folder")
            table = "socketmap:unix:ispman/map:virtual"
            t.same(mta.query(table, "ada@tern.example"), "ada@tern.example", "postmap asks the server")
            t.same(mta.query(table, "bob@tern.example"), None, "postmap: not found")
            t.same(mta.query_all(table, ["bob@tern.example", "ada@tern.example"]),
                   {"ada@tern.example": "ada@tern.example"}, "postmap with many keys")
            session(t, mta, sink, maps)
            login(t, mta)
        t.ok(mta.stop() is not None and not mta.answers_of("fatal:"), "Postfix stops")
    sys.exit(t.done())


def smtpd_of(mta):
    """The process that holds a session open."""
    with mta.session():
        for entry in os.listdir("/proc"):
            try:
                with open("/proc/%s/stat" % entry) as f:
                    name, parent = f.read().split()[1:4:2]
                if name == "(smtpd)" and int(parent) == mta.pid:
                    return int(entry)
            except (OSError, ValueError):
                continue
    raise AssertionError("no smtpd")


def session(t, mta, sink, maps):
    maps.asked.clear()
    with mta.session() as smtp:
        smtp.send("x@away.example", ["Ada+lists@Tern.Example"], subject="first", rcpt_options="NOTIFY=SUCCESS ORCPT=rfc822;Ada")
        got = sink.wait_for(subject="first")
        t.same((got.recipient, got.protocol, got.host), ("ada+lists@tern.example", "LMTP", "127.0.0.1"),
               "mail arrives over LMTP at the host that the transport map names")
        t.same(got.orcpt, "rfc822;Ada", "... with the address it was sent to")
        t.ok(("domains", "tern.example") in maps.asked and ("domains", "Tern.Example") not in maps.asked,
             "a domain is asked for in lower case", maps.asked)
        t.ok(("virtual", "ada+lists@tern.example") in maps.asked and ("virtual", "Ada+lists@Tern.Example") in maps.asked,
             "an address is asked for in lower case, and as typed", maps.asked)
        t.same([k for _, k in maps.asked if k in ("ada@tern.example", "Ada@Tern.Example", "@tern.example", "ada")], [],
               "and in no other form: extension and catch-all are the server's matter")
        t.same(smtp.try_recipient("bob@tern.example")[0], 550, "an address that no map has is refused")
        t.same(smtp.try_recipient("bob@away.example")[0], 554, "a domain of somebody else is not relayed")
        t.same(smtp.try_recipient("empty@tern.example")[0], 451, "an empty answer is a failure to Postfix")
    sink.refuse("ada@tern.example", "550 5.1.1 no mailbox")
    with mta.session() as smtp:
        smtp.send("", ["ada@tern.example"], subject="refused")
    mta.wait_log("550 5.1.1 no mailbox")
    t.same(sink.find(subject="refused"), [], "a recipient that the store refuses has no mail")
    sink.take("ada@tern.example")


def login(t, mta):
    with mta.session() as smtp:
        t.same(smtp.try_recipient("ada@tern.example", sender="ada@tern.example")[0], 553,
               "who has not logged in does not send as somebody with a login")
        t.same(smtp.login("ada_tern_example", "wrong")[0], 535, "a wrong password")
        t.same(smtp.login("ada_tern_example", dovecot_auth.PASSWORD)[0], 235, "the right password")
        t.same(smtp.try_recipient("x@away.example", sender="ada@tern.example")[0], 250, "who has logged in sends as itself")
        t.same(smtp.try_recipient("x@away.example", sender="bob@tern.example")[0], 553, "... and as nobody else")


if __name__ == "__main__":
    main()
