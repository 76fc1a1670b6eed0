#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Who may log in where, over the sample directory: what search and bind say of it (sasl_fixture.py), and where we differ on purpose;
the rules that [login] switches; states and locks; who holds a login that several claim."""

import os
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import authstage  # noqa: E402
import mailstage  # noqa: E402
import mux        # noqa: E402
import servers    # noqa: E402
import stock      # noqa: E402

TERN = "ispmanDomain=tern.example,o=ispman"
ADA = "uid=ada_tern_example,ou=users," + TERN
BOB = "uid=bob_berg_tern_example,ou=users," + TERN
CAS = "uid=cas_tern_example,ou=users," + TERN
SERVICES = ("imap", "pop", "sieve", "smtp", "ftp")
MAILBOX, MAIL, ALL, FTP, NONE = ("imap", "pop", "sieve"), ("imap", "pop", "sieve", "smtp"), SERVICES, ("ftp",), ()

GOLDEN = (
    # login, password, the services that take them
    ("ada@tern.example", "adapw", ALL), ("ADA@Tern.Example", "adapw", ALL),
    ("ada_tern_example", "adapw", ("smtp", "ftp")),       # a mailbox has one name
    ("bob.berg@tern.example", "bobpw", ALL), ("bob_berg_tern_example", "bobpw", ("smtp", "ftp")),
    ("ada.ames@tern.example", "adapw", NONE), ("ada@heron.example", "adapw", NONE), ("ada", "adapw", NONE),
    ("cas@tern.example", "noEntry", NONE), ("cas_tern_example", "noEntry", NONE),
    ("tern.example", "ternpw", FTP), ("www.tern.example", "wwwpw", FTP), ("crow.example", "crowpw", FTP),
    ("www.tern.example:8080", "apppw", NONE),             # suspended
    ("gull.example", "gullpw", NONE), ("wren.example", "wrenpw", NONE),
    ("heron.example", "ternpw", NONE), ("webguest", "guestpw", NONE),
    ("northcoast", "northpw", NONE), ("lindworks", "lindpw", NONE),
    ("cyrus", "cyruspw", MAIL), ("ispman", "adminpw", MAIL),
    ("ada@tern.example", "wrong", NONE), ("ada@tern.example", "", NONE), ("ada@tern.example", "adapw ", NONE),
    ("bob.berg@tern.example", "{sha}KXV5lfOmXj1HOy0eE1tRGdIyUHw=", NONE), ("bob.berg@tern.example", "KXV5lfOmXj1HOy0eE1tRGdIyUHw=", NONE),
    ("bob.berg@tern.example", "BOBPW", NONE), ("", "adapw", NONE), ("*", "adapw", NONE), ("ada@*", "adapw", NONE),
    ("@tern.example", "adapw", NONE), ("staff@tern.example", "x", NONE), ("nobody@nowhere.example", "x", NONE))


def services(stage, login, password):
    return tuple(s for s in SERVICES if stage.ask(login, password, s) == "OK")


def table(stage, rows):
    return [(login, password, services(stage, login, password)) for login, password, _ in rows]


def golden(t, box):
    stage = authstage.AuthStage(box, mailstage.sample(), settings=authstage.UNTHROTTLED)
    for login, password, want in GOLDEN:
        t.same(services(stage, login, password), want, "%s with %s: %s" % (login or "(no login)", password or "(no password)",
                                                                           " ".join(want) or "nowhere"))
    t.same([stage.ask("ada@tern.example", "adapw", service) for service in ("", "IMAP", "submission", "nosuchservice")][1:2],
           ["OK"], "the name of a service is compared without case")
    t.same([stock.testsaslauthd(stage.path, *row) for row in (
        ("ada", "adapw", "imap", "tern.example"), ("ada@tern.example", "adapw"), ("ada@tern.example", "adapw", "imap", "tern.example"),
        ("ada", "wrong", "imap", "tern.example"), ("ada", "adapw", "imap", ""))],
        [(0, '0: OK "Success."')] * 3 + [(255, '0: NO "authentication failed"')] * 2, "testsaslauthd, with realm and without")
    t.same([mux.ask(stage.path, "ada", "adapw", "imap", "tern.example", "192.0.2.7;4711"),
            mux.ask(stage.path, "ada", "wrong", "imap", "tern.example", "192.0.2.7;4711")], ["OK", "NO"],
           "clients that send their client's address too")
    t.same(mux.ask(stage.path, "ada\0x", "adapw", "imap", "tern.example"), "NO", "a zero octet ends no login")
    t.same(mux.ask(stage.path, "a" * 3000, "adapw", "imap", "tern.example") in (mux.NO, mux.CANNOT_TELL), True, "a long login")
    t.same(stage.leaks(list(authstage.stored_values(stage.tree)) + [p for p in authstage.SECRETS.values() if len(p) > 5 and p != "noEntry"]),
           [], "no password and no stored value is in any log")


def options(t, box):
    stage = authstage.AuthStage(box, mailstage.sample(), settings=authstage.UNTHROTTLED)

    def rows(what, *cases, **login):
        stage.configure(**login)
        t.same(table(stage, cases), list(cases), what)

    rows("mailbox-name = uid", ("ada_tern_example", "adapw", ALL), ("ada@tern.example", "adapw", ("smtp", "ftp")),
         ("bob_berg_tern_example", "bobpw", ALL), ("cyrus", "cyruspw", MAIL), mailbox_name="uid")
    rows("login-by-alias", ("ada.ames@tern.example", "adapw", ("smtp", "ftp")), ("ada@tern.example", "adapw", ALL),
         ("postmaster@heron.example", "adapw", ("smtp", "ftp")), ("@tern.example", "adapw", NONE),
         ("nobody@tern.example", "adapw", NONE), ("ada@heron.example", "adapw", NONE), ("staff@tern.example", "adapw", NONE),
         login_by_alias="yes")
    rows("login-by-replica", ("ada@heron.example", "adapw", ("smtp", "ftp")), ("ada.ames@heron.example", "adapw", NONE),
         ("ada.ames@tern.example", "adapw", NONE), ("ada@tern.example", "adapw", ALL), login_by_replica="yes")
    rows("both", ("ada.ames@heron.example", "adapw", ("smtp", "ftp")), login_by_alias="yes", login_by_replica="yes")
    rows("default-domain", ("ada", "adapw", ALL), ("bob.berg", "bobpw", ALL), ("cyrus", "cyruspw", MAIL), ("ispman", "adminpw", MAIL),
         ("nobody", "adapw", NONE), ("tern.example", "ternpw", FTP), default_domain="tern.example")
    rows("suspended-users = allow", ("www.tern.example:8080", "apppw", NONE), ("cas@tern.example", "noEntry", NONE),
         suspended_users="allow")
    rows("services", ("tern.example", "ternpw", ("smtp", "ftp")), ("ada@tern.example", "adapw", ("imap", "pop", "sieve")),
         services="imap=user+admin pop=user+admin sieve=user+admin smtp=domain ftp=domain")
    t.same(mux.ask(stage.path, "ada", "adapw", "imap", ""), "NO", "a bare login")
    stage.configure(local_realms="mx.isp.example")
    t.same([mux.ask(stage.path, login, "adapw", "smtp", "MX.isp.example") for login in ("ada_tern_example", "ada@tern.example", "ada")],
           ["OK", "OK", "NO"], "local-realms: the server's own name is no realm")


def day(offset):
    return str(int(time.time() // 86400) + offset)


def stamp(offset):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + offset))


def states(t, box):
    stage = authstage.AuthStage(box, mailstage.sample(), settings=authstage.UNTHROTTLED)

    def case(what, want, dn=ADA, login="ada@tern.example", password="adapw", **values):
        _, attributes = stage.tree.entries[mailstage.ispman_ldif.dn_key(mailstage.ispman_ldif.octets(dn))]
        before = list(attributes)
        stage.tree.change(dn, **values)
        stage.push()
        got = services(stage, login, password)
        attributes[:] = before
        t.same(got, want, what)

    case("a suspended user logs in nowhere", NONE, ispmanStatus="suspended")
    case("a suspended domain changes nothing for its users", ALL, dn=TERN, ispmanStatus="suspended")
    case("... but for itself", NONE, dn=TERN, login="tern.example", password="ternpw", ispmanStatus="suspended")
    case("FTPStatus: disabled", MAIL, FTPStatus="disabled")
    case("FTPStatus: absent", ALL, FTPStatus=None)
    case("FTPStatus: Active", ALL, FTPStatus="Active")
    case("FTPStatus: true", ALL, FTPStatus="true")
    case("FTPStatus: anything else", MAIL, FTPStatus="maybe")
    case("locked until an admin says otherwise", NONE, pwdAccountLockedTime="000001010000Z")
    case("locked a minute ago, for ever", NONE, pwdAccountLockedTime=stamp(-60))
    case("an account that has expired", NONE, shadowExpire=day(-1))
    case("one that expires in ten days", ALL, shadowExpire=day(10))
    case("one that never does", ALL, shadowExpire="-1")
    case("one that has not begun", NONE, pwdStartTime=stamp(3600))
    case("one that has", ALL, pwdStartTime=stamp(-3600), pwdEndTime=stamp(3600))
    case("one that has ended", NONE, pwdEndTime=stamp(-3600))
    case("a password locked with !", NONE, userPassword="{crypt}!adVNr0Epl9Guo")
    case("a password locked with *", NONE, userPassword="{crypt}*")
    case("no mailbox: only SMTP and FTP", ("smtp", "ftp"), mailHost=None, mailRoutingAddress=None)
    case("no password: refused, or nothing said", NONE, userPassword=None)
    case("an unknown scheme is not compared as text", NONE, password="{NOSUCH}adapw", userPassword="{NOSUCH}adapw")
    case("... and not without its tag", NONE, password="adapw", userPassword="{NOSUCH}adapw")
    case("several passwords: the second one", ALL, password="two", userPassword=["{SSHA}QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB", authstage.ssha("two")])
    case("the word noEntry beside a password", NONE, password="noEntry", userPassword=["noEntry", authstage.ssha("two")])
    case("... and the password beside it", ALL, password="two", userPassword=["noEntry", authstage.ssha("two")])
    stage.configure(lockout_duration="10m")
    case("lockout-duration: locked a minute ago", NONE, pwdAccountLockedTime=stamp(-60))
    case("lockout-duration: locked an hour ago", ALL, pwdAccountLockedTime=stamp(-3600))
    case("lockout-duration: until an admin says otherwise", NONE, pwdAccountLockedTime="000001010000Z")
    stage.configure(suspended_users="allow", suspended_domains="refuse")
    case("suspended-users = allow", ALL, ispmanStatus="suspended")
    case("suspended-domains = refuse", NONE, dn=TERN, ispmanStatus="suspended")
    t.same(stage.leaks(authstage.stored_values(stage.tree)), [], "no stored value is in any log")


def hashed(password, scheme="{SSHA}"):
    done = subprocess.run([servers.find_tool("slappasswd"), "-n", "-h", scheme, "-s", password], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def crypted(*command):
    return "{CRYPT}" + subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def schemes(t, box):
    """As the tools at hand write them; the vectors are the unit tests'."""
    tree = mailstage.sample()
    stored = {name: hashed("pass-" + name, "{%s}" % name.upper()) for name in ("ssha", "sha", "smd5", "md5")}
    stored.update({"openssl%s" % n: crypted("openssl", "passwd", "-" + n, "-salt", "abcdefgh", "pass-openssl" + n) for n in "156"})
    if shutil.which("mkpasswd"):
        stored.update({name: crypted("mkpasswd", "-m", name, "pass-" + name) for name in ("yescrypt", "bcrypt", "descrypt")})
    for name, value in stored.items():
        tree.user("tern.example", name, userPassword=value, uid=["%s_tern_example" % name, name + "@tern.example"])
    stage = authstage.AuthStage(box, tree, settings=authstage.UNTHROTTLED)
    t.same({name: [stage.ask(name + "@tern.example", password, "imap") for password in ("pass-" + name, "wrong")] for name in stored},
           {name: ["OK", "NO"] for name in stored}, "stored by slappasswd, openssl, mkpasswd: " + " ".join(sorted(stored)))
    t.same([name for name, value in stored.items() if stage.ask(name + "@tern.example", value, "smtp") != "NO"], [],
           "the stored value is no password")
    tree.user("tern.example", "clear", userPassword="pass-clear", uid=["clear_tern_example", "clear@tern.example"])
    stage.push()
    t.same(stage.ask("clear@tern.example", "pass-clear"), "NO", "a password stored in clear is none")
    stage.cached.settings["saslauth"]["allow-clear-passwords"] = "yes"
    stage.configure()
    t.same([stage.ask("clear@tern.example", p) for p in ("pass-clear", "wrong")], ["OK", "NO"], "allow-clear-passwords")


def claims(t, box):
    """Logins that several entries hold."""
    tree = mailstage.sample()
    tree.mail_domain("osprey.example")
    tree.user("tern.example", "dan", uid=["dan_tern_example", "dan@tern.example", "twice@tern.example"], userPassword=authstage.ssha("danpw"))
    tree.user("tern.example", "eve", uid=["eve_tern_example", "eve@tern.example", "twice@tern.example"], userPassword=authstage.ssha("evepw"))
    # Somebody else's admin says: that login is one of mine.
    tree.user("osprey.example", "mallory", uid=["mallory_osprey_example", "mallory@osprey.example", "ada@tern.example", "cyrus",
                                                "ada_tern_example", "tern.example", "free@tern.example"], userPassword=authstage.ssha("malpw"))
    # A domain and a vhost of one name: the vhost is asked first.
    tree.domain("shop.tern.example", "nodns")
    tree.change("ispmanDomain=shop.tern.example,o=ispman", uid="shop.tern.example", userPassword=authstage.ssha("domainpw"), uidNumber="31001",
                gidNumber="31001", homeDirectory="/var/www/shop.tern.example", objectClass=["ispmanDomain", "PureFTPdUser", "posixAccount"])
    tree.add("ispmanVhostName=shop,ou=httpdata," + TERN, [
        (name, value.encode()) for name, value in (
            ("objectClass", "ispmanVirtualHost"), ("objectClass", "posixAccount"), ("objectClass", "PureFTPdUser"),
            ("ispmanVhostName", "shop"), ("ispmanDomain", "tern.example"), ("cn", "shop.tern.example"), ("uid", "shop.tern.example"),
            ("uidNumber", "31002"), ("gidNumber", "10001"), ("homeDirectory", "/var/www/tern.example/vhosts/shop"),
            ("userPassword", authstage.ssha("vhostpw")), ("ispmanStatus", "active"))])
    stage = authstage.AuthStage(box, tree, settings=authstage.UNTHROTTLED)
    rows = (("twice@tern.example", "danpw", NONE), ("twice@tern.example", "evepw", NONE),
            ("dan@tern.example", "danpw", ALL), ("eve@tern.example", "evepw", ALL),
            ("ada@tern.example", "adapw", ALL), ("ada@tern.example", "malpw", NONE), ("ada_tern_example", "malpw", NONE),
            ("cyrus", "cyruspw", MAIL), ("cyrus", "malpw", NONE), ("tern.example", "malpw", NONE), ("tern.example", "ternpw", FTP),
            ("free@tern.example", "malpw", NONE), ("mallory@osprey.example", "malpw", ALL),
            ("shop.tern.example", "vhostpw", FTP), ("shop.tern.example", "domainpw", NONE))
    for row, got in zip(rows, table(stage, rows)):
        t.same(got, row, "%s with %s: %s" % (row[0], row[1], " ".join(row[2]) or "nowhere"))
    problems = [(p["dn"].split(",")[0], p["sentence"]) for p in stage.problems()]
    for rdn, word in (("uid=dan_tern_example", "twice@tern.example"), ("uid=mallory_osprey_example", "ada@tern.example"),
                      ("uid=mallory_osprey_example", "free@tern.example"), ("ispmanVhostName=shop", "shop.tern.example")):
        t.ok([1 for dn, sentence in problems if word in sentence and (dn == rdn or word == "shop.tern.example" or word[:5] == "twice")],
             "%s of %s is a problem that is told" % (word, rdn), problems)
    # The one who held it with another one is gone.
    stage.tree.change("uid=eve_tern_example,ou=users," + TERN, uid=["eve_tern_example", "eve@tern.example"])
    stage.push()
    t.same(services(stage, "twice@tern.example", "danpw"), ("smtp", "ftp"), "it is his who is left")


authstage.main("sasl-golden", (golden, options, states, schemes, claims), ("testsaslauthd", "slappasswd", "openssl"))
