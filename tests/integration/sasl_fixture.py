#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""What the tests of logins stand on, with the stock saslauthd: Postfix whose chrooted smtpd asks it, Cyrus, testsaslauthd; and what
ours has to do better, shown where it goes wrong: an outage is a wrong password, and its cache lets in whoever was locked out."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import authstage  # noqa: E402
import cyrus      # noqa: E402
import mux        # noqa: E402
import servers    # noqa: E402
import stock      # noqa: E402

ADA = "uid=ada_tern_example,ou=users,ispmanDomain=tern.example,o=ispman"
BOB = "uid=bob_berg_tern_example,ou=users,ispmanDomain=tern.example,o=ispman"
GOLDEN = (
    # login, password, what search and bind say of it
    ("ada_tern_example", "adapw", "OK"), ("ada@tern.example", "adapw", "OK"), ("ADA@Tern.Example", "adapw", "OK"),
    ("bob.berg@tern.example", "bobpw", "OK"), ("bob_berg_tern_example", "bobpw", "OK"),
    ("ada.ames@tern.example", "adapw", "NO"), ("ada@heron.example", "adapw", "NO"), ("ada", "adapw", "NO"),
    ("cas@tern.example", "noEntry", "OK"), ("tern.example", "ternpw", "OK"), ("www.tern.example", "wwwpw", "OK"),
    ("northcoast", "northpw", "OK"), ("cyrus", "cyruspw", "OK"), ("ada@tern.example", "wrong", "NO"),
    ("ada@tern.example", "", "NO"))


def directory(box):
    return box.slapd(ldif=os.path.join(servers.SRCDIR, "tests/data/sample.ldif"))


def golden(t, box):
    """Search and bind over the sample, as the original did it."""
    daemon = stock.Stock(box, directory(box), box.path("sasl/mux")).start()
    t.same([(login, password, mux.ask_as_libsasl(daemon.path, login, password)) for login, password, _ in GOLDEN],
           list(GOLDEN), "search and bind: everybody with a uid, aliases not, the suspended one all the same")
    t.same([stock.testsaslauthd(daemon.path, "ada", password, "imap", "tern.example") for password in ("adapw", "wrong")],
           [(0, '0: OK "Success."'), (255, '0: NO "authentication failed"')], "testsaslauthd")


def smtp(t, box):
    slapd = directory(box)
    mta = authstage.sasl_postfix(box)
    daemon = stock.Stock(box, slapd, mta.socket_folder + "/mux").start()
    # Its folder is of mode 0710, for a group that smtpd is put into.
    os.chmod(mta.socket_folder, 0o755)
    t.same(mta.check(), "", "the configuration is one that Postfix likes")
    mta.start()
    with mta.session() as smtp:
        t.ok("AUTH PLAIN LOGIN" in smtp.extensions or "AUTH LOGIN PLAIN" in smtp.extensions, "AUTH is offered", smtp.extensions)
        t.same([smtp.login("ada@tern.example", "wrong")[0], smtp.login_in_steps("ada@tern.example", "wrong")[0]], [535, 535],
               "PLAIN and LOGIN: a wrong password is 535")
        t.same(smtp.try_recipient("x@away.example")[0], 554, "nothing is relayed")
        t.same(smtp.login("ada@tern.example", "adapw")[0], 235, "PLAIN: the right one is 235")
        t.same(smtp.try_recipient("x@away.example")[0], 250, "and then mail is relayed")
    with mta.session() as smtp:
        t.same(smtp.login_in_steps("ada@tern.example", "adapw")[0], 235, "LOGIN: the right one is 235")
    slapd.stop()
    with mta.session() as smtp:
        t.same(smtp.login("ada@tern.example", "adapw")[0], 535, "slapd stopped: the right password is refused for good")
    daemon.stop()
    with mta.session() as smtp:
        t.same(smtp.login("ada@tern.example", "adapw")[0], 454, "nobody at the socket: 454")


def store(t, box):
    daemon = stock.Stock(box, directory(box), box.path("sasl/mux")).start()
    os.chmod(box.path("sasl"), 0o755)
    address, uid = (cyrus.Cyrus(box, daemon.path, mode).start() for mode in ("userid", "off"))
    found = []

    def look(imap):
        found.append(imap.select("INBOX")[0])
        found.append(imap.list('""', "*")[1])

    t.same([address.imap("ada@tern.example", "adapw", look), address.imap_plain("ada@tern.example", "adapw"),
            address.pop("ada@tern.example", "adapw"), uid.imap("ada_tern_example", "adapw"), uid.pop("ada_tern_example", "adapw")],
           ["OK"] * 5, "IMAP and POP, with and without domains in the names of mailboxes")
    t.same(found, ["OK", [b'(\\HasNoChildren) "/" INBOX']], "the first login makes the mailbox")
    t.same([address.imap("ada@tern.example", "no"), address.imap_plain("ada@tern.example", "no"), address.pop("ada@tern.example", "no")],
           ["Login failed: authentication failure", "authentication failure", "-ERR [AUTH] Invalid login"], "a wrong password")
    address.imap("ada_tern_example", "adapw")
    found.clear()
    t.same(address.imap("cyrus", "cyruspw", lambda imap: found.extend(imap.list('""', "*")[1])), "OK", "the admin logs in")
    t.same(sorted(found), [b'(\\HasNoChildren) "/" user/ada@tern.example', b'(\\HasNoChildren) "/" user/ada_tern_example'],
           "and sees: who logs in with the other form of the name has a second, empty mailbox")
    daemon.stop()
    t.same(address.imap("ada@tern.example", "adapw"), "Login failed: generic failure", "nobody at the socket: it says so")


def cached_credentials(t, box):
    """saslauthd -c, Debian's default: what was right once stays right."""
    slapd = directory(box)
    daemon = stock.Stock(box, slapd, box.path("sasl/mux"), "-c").start()
    t.same([mux.ask_as_libsasl(daemon.path, *row) for row in (("ada@tern.example", "adapw"), ("bob.berg@tern.example", "bobpw"))],
           ["OK", "OK"], "two logins")
    slapd.modify("dn: %s\nchangetype: modify\nreplace: userPassword\nuserPassword: new-secret\n\n"
                 "dn: %s\nchangetype: delete\n" % (ADA, BOB))
    t.same(mux.ask_as_libsasl(daemon.path, "ada@tern.example", "adapw"), "OK", "saslauthd -c takes a password that was changed")
    t.same(mux.ask_as_libsasl(daemon.path, "bob.berg@tern.example", "bobpw"), "OK", "... and lets in who was deleted")


authstage.main("sasl-fixture", (golden, smtp, store, cached_credentials),
               ("slapd", "postfix", "cyrus", "testsaslauthd", "saslauthd"), authstage.missing_programs)
