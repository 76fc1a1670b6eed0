#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""SMTP AUTH through a real Postfix whose chrooted smtpd asks ispman-saslauthd: 235 for the right password, 535 for a wrong one, and 454
when it cannot be told."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import authstage  # noqa: E402
import mailstage  # noqa: E402
import stock      # noqa: E402

ROWS = (
    # login, password, the reply's code
    ("ada@tern.example", "adapw", 235), ("ADA@TERN.example", "adapw", 235), ("ada_tern_example", "adapw", 235),
    ("bob.berg@tern.example", "bobpw", 235), ("ada@tern.example", "bobpw", 535), ("ada@tern.example", "Adapw", 535),
    ("nobody@tern.example", "adapw", 535), ("ada@heron.example", "adapw", 535), ("ada.ames@tern.example", "adapw", 535),
    ("tern.example", "ternpw", 535), ("www.tern.example", "wwwpw", 535), ("northcoast", "northpw", 535),
    ("cas@tern.example", "noEntry", 535), ("ada@tern.example", "{crypt}adVNr0Epl9Guo", 535), ("ada@tern.example", "ädapw", 535),
    ("cyrus", "cyruspw", 235))
CANNOT_TELL = "4.7.0 Temporary authentication failure: generic failure"


def code(mta, how, login, password):
    with mta.session() as smtp:
        return getattr(smtp, how)(login, password)[0]


def replies(t, box):
    stage = authstage.AuthStage(box, mailstage.sample(), settings=authstage.UNTHROTTLED)
    mta = stage.postfix()
    for how, name in (("login", "PLAIN"), ("login_in_steps", "LOGIN")):
        t.same([(login, password, code(mta, how, login, password)) for login, password, _ in ROWS], list(ROWS),
               "AUTH %s: %d logins, 235 and 535" % (name, len(ROWS)))
    with mta.session() as smtp:
        t.same(smtp.try_recipient("x@away.example")[0], 554, "nothing is relayed before")
        smtp.login("ada@tern.example", "wrong")
        t.same(smtp.try_recipient("x@away.example")[0], 554, "nor after a wrong password")
        smtp.login("ada@tern.example", "adapw")
        t.same(smtp.try_recipient("x@away.example")[0], 250, "and after the right one it is")
    stage.saslauthd.stop()
    t.same(code(mta, "login", "ada@tern.example", "adapw"), 454, "without a daemon and without an inherited socket: 454")
    stage.saslauthd.start()
    t.same(code(mta, "login", "ada@tern.example", "adapw"), 235, "it is back")
    t.same(stage.leaks(authstage.stored_values(stage.tree)), [], "no stored value is in any log of ours")


def printed(t, box):
    """With what `ispmanctl config postfix` prints of SMTP AUTH."""
    stage = authstage.AuthStage(box, mailstage.sample(), settings=authstage.UNTHROTTLED)
    mta = stage.postfix(printed=lambda queue: stage.cached.ctl("config", "postfix", queue).stdout)
    with open(mta.etc + "/sasl/smtpd.conf") as f:
        t.same(f.read(), "pwcheck_method: saslauthd\nmech_list: PLAIN LOGIN\nsaslauthd_path: /ispman/mux\n", "config postfix: smtpd.conf")
    t.same([mta.check(), mta.setting("smtpd_sasl_type"), mta.setting("smtpd_sasl_local_domain")], ["", "cyrus", ""], "config postfix: main.cf")
    t.same([code(mta, how, "ada@tern.example", password) for how in ("login", "login_in_steps") for password in ("adapw", "wrong")],
           [235, 535] * 2, "config postfix: the right password and a wrong one")


def cannot_tell(t, box):
    """A cache that never was synchronised: nothing is said, and nobody is asked for another password."""
    stage = authstage.AuthStage(box, mailstage.sample(), slapd=True, settings=authstage.UNTHROTTLED, start=False)
    stage.directory.slapd.stop()
    stage.cached.start(wait=False)
    stage.start_saslauthd(wait=False)
    mta = stage.postfix(wait=False)
    t.same([stage.ask("ada@tern.example", password) for password in ("adapw", "wrong")], [None, None],
           "before the first load: closed without a reply")
    t.same(stock.testsaslauthd(stage.path, "ada@tern.example", "adapw")[0], 255, "testsaslauthd fails")
    with mta.session() as smtp:
        t.same([smtp.login("ada@tern.example", "adapw"), smtp.login("ada@tern.example", "wrong"),
                smtp.login_in_steps("ada@tern.example", "adapw")], [(454, CANNOT_TELL)] * 3, "Postfix says 454")
    t.ok(not mta.answers_of("535"), "and never 535", mta.answers_of("535"))
    stage.directory.slapd.start()
    stage.cached.wait()
    t.same([code(mta, "login", "ada@tern.example", password) for password in ("adapw", "wrong")], [235, 535],
           "once it is synchronised: 235, and 535")


authstage.main("sasl-smtp", (replies, printed, cannot_tell), ("slapd", "postfix", "testsaslauthd"))
