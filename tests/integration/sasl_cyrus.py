#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""IMAP and POP through a real Cyrus: whoever logs in has the mailbox that is his, under the one name that it has; the other form of
the login, for which Cyrus would make a second, empty mailbox, is refused."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import authstage  # noqa: E402
import mailstage  # noqa: E402

TERN = "ispmanDomain=tern.example,o=ispman"
ADA = "uid=ada_tern_example,ou=users," + TERN
REFUSED = "Login failed: authentication failure"
REFUSED_PLAIN = "authentication failure"
REFUSED_POP = "-ERR [AUTH] Invalid login"
# mailbox-name: how Cyrus is set up, what owns the mailbox, the other form, Cyrus's name for the mailbox.
MODES = {"address": ("userid", "ada@tern.example", "ada_tern_example", "user/ada@tern.example"),
         "uid": ("off", "ada_tern_example", "ada@tern.example", "user/ada_tern_example")}


def boxes(store, password="cyruspw"):
    """Every mailbox there is, as the admin sees them."""
    found = []
    answer = store.imap("cyrus", password, lambda imap: found.extend(imap.list('""', "*")[1]))
    return answer, sorted(line.decode().split('"/" ')[1] for line in found if line)


def mode(t, box, name):
    virtdomains, right, other, mailbox = MODES[name]
    stage = authstage.AuthStage(box, mailstage.sample(), slapd=True, settings=dict(
        authstage.UNTHROTTLED, login={"mailbox-name": name}))
    store = stage.cyrus(virtdomains)
    found = []
    t.same([store.imap(right, "adapw", lambda imap: found.append(imap.select("INBOX")[0])), store.imap_plain(right, "adapw"),
            store.pop(right, "adapw"), store.imap(right.upper(), "adapw")], ["OK"] * 4, name + ": %s by IMAP and POP" % right)
    t.same(found, ["OK"], name + ": the mailbox opens")
    t.same([store.imap(other, "adapw"), store.imap_plain(other, "adapw"), store.pop(other, "adapw")],
           [REFUSED, REFUSED_PLAIN, REFUSED_POP], name + ": %s is refused" % other)
    t.same([store.imap(right, "wrong"), store.imap_plain(right, "wrong"), store.pop(right, "wrong")],
           [REFUSED, REFUSED_PLAIN, REFUSED_POP], name + ": a wrong password is refused")
    t.same([store.imap(login, password) for login, password in (
        ("cas@tern.example", "noEntry"), ("cas_tern_example", "noEntry"), ("tern.example", "ternpw"), ("www.tern.example", "wwwpw"),
        ("northcoast", "northpw"), ("ada.ames@tern.example", "adapw"), ("ada@heron.example", "adapw"), ("ada", "adapw"))],
        [REFUSED] * 8, name + ": suspended, domains, sites, resellers, aliases, replicas and bare names are refused")
    t.same(boxes(store), ("OK", [mailbox]), name + ": the admin sees one mailbox, and nobody has made another")
    stage.tree.change(ADA, ispmanStatus="suspended")
    stage.push()
    t.same([store.imap(right, "adapw"), store.pop(right, "adapw")], [REFUSED, REFUSED_POP], name + ": suspended, and refused")
    stage.tree.change(ADA, ispmanStatus="active")
    stage.push()
    t.same(store.imap(right, "adapw"), "OK", name + ": active, and let in")
    with store.session() as imap:
        imap.login(right, "adapw")
        stage.saslauthd.stop()
        t.same(imap.select("INBOX")[0], "OK", name + ": a session outlives the daemon")
    t.same(store.imap(right, "adapw"), "Login failed: generic failure", name + ": without the daemon it is a failure, not a wrong password")
    t.same(stage.leaks(authstage.stored_values(stage.tree)), [], name + ": no stored value is in any log of ours")


def address(t, box):
    mode(t, box, "address")


def uid(t, box):
    mode(t, box, "uid")


def default_domain(t, box):
    """A bare word: what default-domain makes of it is what Cyrus's defaultdomain makes of it."""
    stage = authstage.AuthStage(box, mailstage.sample(), settings=dict(authstage.UNTHROTTLED, login={"default-domain": "tern.example"}))
    store = stage.cyrus("userid", domain="tern.example")

    def put(imap):
        imap.append("INBOX", None, None, b"Subject: one\r\n\r\nHello.\r\n")

    found = []
    t.same([store.imap("ada", "adapw", put), store.imap("ada@tern.example", "adapw", lambda imap: found.append(imap.select("INBOX")[1])),
            store.pop("ada", "adapw")], ["OK"] * 3, "default-domain: with the domain and without it")
    t.same(found, [[b"1"]], "default-domain: it is the same mailbox")
    t.same(store.imap("ada_tern_example", "adapw"), REFUSED, "default-domain: and the other form is refused")
    answer, seen = boxes(store)
    t.same((answer, len(seen)), ("OK", 1), "default-domain: there is one mailbox")


def printed(t, box):
    """With what `ispmanctl config cyrus` prints."""
    stage = authstage.AuthStage(box, mailstage.sample(), settings=authstage.UNTHROTTLED)
    fragment = stage.cached.ctl("config", "cyrus").stdout
    t.ok("sasl_saslauthd_path: %s\n" % stage.path in fragment, "config cyrus: names the socket", fragment)
    store = stage.cyrus("off", fragment=fragment)
    t.same(store.imap("cyrus", "cyruspw", lambda imap: imap.create("user/ada@tern.example")), "OK", "config cyrus: the admin makes a mailbox")
    found = []
    t.same([store.imap("ada@tern.example", "adapw", lambda imap: found.append(imap.select("INBOX")[0])), store.pop("ada@tern.example", "adapw"),
            store.imap("bob.berg@tern.example", "bobpw", lambda imap: found.append(imap.select("INBOX")[0]))], ["OK"] * 3,
           "config cyrus: logins by IMAP and POP")
    t.same((found, boxes(store)), (["OK", "NO"], ("OK", ["user/ada@tern.example"])), "config cyrus: a login makes no mailbox")
    t.same([store.imap("ada_tern_example", "adapw"), store.imap("ada@tern.example", "wrong")], [REFUSED] * 2, "config cyrus: refusals")


authstage.main("sasl-cyrus", (address, uid, default_domain, printed), ("slapd", "cyrus"))
