#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""FTP from the directory to the file: slapd, ispman-cached, ispman-saslauthd, ispman-ftpauthd and a real Pure-FTPd. Who may log in over
the sample directory, and as whom; changes hold for the next login; a login that is deleted and given to somebody else never opens
the one's home with the other's password; and all of it goes on without the directory."""

import concurrent.futures
import itertools
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import authstage  # noqa: E402
import ftpstage   # noqa: E402
import mailstage  # noqa: E402
import pureftpd   # noqa: E402
import servers    # noqa: E402

TERN = "ispmanDomain=tern.example,o=ispman"
ADA = "uid=ada_tern_example,ou=users," + TERN
BOB = "uid=bob_berg_tern_example,ou=users," + TERN
SITE = "ispmanVhostName=www:8080,ou=httpdata," + TERN
OWNERS = 30
GOLDEN = (
    # login, password, the number whose files it sees and the home; None: refused
    ("ada_tern_example", "adapw", (10006, "tern.example/users/ada_tern_example")),
    ("ada@tern.example", "adapw", (10006, "tern.example/users/ada_tern_example")),
    ("ADA@Tern.example", "adapw", (10006, "tern.example/users/ada_tern_example")),
    ("bob.berg@tern.example", "bobpw", (10007, "tern.example/users/bob_berg_tern_example")),
    ("bob_berg_tern_example", "bobpw", (10007, "tern.example/users/bob_berg_tern_example")),
    ("cas@tern.example", "noEntry", None), ("cas_tern_example", "noEntry", None),
    ("tern.example", "ternpw", (10001, "tern.example")),
    ("gull.example", "gullpw", None), ("wren.example", "wrenpw", None),
    ("www.tern.example", "wwwpw", (10009, "tern.example/vhosts/www")),     # FTPStatus: active
    ("www.tern.example:8080", "apppw", None), ("www.tern.example-8080", "apppw", None),
    ("heron.example", "ternpw", None), ("webguest", "guestpw", None), ("cyrus", "cyruspw", None), ("northcoast", "northpw", None),
    ("ada@tern.example", "wrong", None), ("ada@tern.example", "{crypt}adVNr0Epl9Guo", None), ("ada", "adapw", None))


class FtpStage(authstage.AuthStage):
    """The sample with its homes in the sandbox, and all of it running."""

    def __init__(self, box, **options):
        os.chmod(box.folder, 0o755)
        self.home, self.numbers = box.path("home"), itertools.count()
        tree = mailstage.sample()
        for dn, attributes in list(tree.entries.values()):
            values = dict((name, value.decode("utf-8") if isinstance(value, bytes) else value) for name, value in attributes)
            if values.get("homeDirectory", "").startswith("/var/www/"):
                folder = self.home + values["homeDirectory"][len("/var/www"):]
                tree.change(dn, homeDirectory=folder)
                self.make(folder, int(values["uidNumber"]), int(values["gidNumber"]))
        super().__init__(box, tree, slapd=True, settings=dict(authstage.UNTHROTTLED), **options)
        self.extauth = box.path("extauth")
        command = [servers.built("ftpauth/ispman-ftpauthd"), "-vv", "-c", self.cached.conf_path]
        self.cached.settings["ftpauth"] = {"listen": "unix:%s,mode=0600" % self.extauth, "saslauth-socket": self.path}
        self.cached.write_conf()
        self.ftpauthd = ftpstage.Ftpauthd(box, command, self.extauth)
        self.ftpauthd.start()
        self.ftp = pureftpd.PureFtpd(box, self.extauth, {"backdoor": "behind"}).start()

    @staticmethod
    def make(folder, uid, gid):
        os.makedirs(folder, exist_ok=True)
        os.chown(folder, uid, gid)

    def login(self, login, password):
        """Through Pure-FTPd, with a file: (its owner, the folder where it lies), or None when the login is refused."""
        name = "seen-%d" % next(self.numbers)
        try:
            session = self.ftp.session(login, password)
        except pureftpd.ftplib.error_perm:
            return None
        with session:
            pureftpd.upload(session, name, b"x")
            session.quit()
        for folder, _, files in os.walk(self.home):
            if name in files:
                return os.stat(os.path.join(folder, name)).st_uid, os.path.relpath(folder, self.home)
        raise AssertionError("the file is nowhere")

    def logins(self, rows):
        """All at once: Pure-FTPd makes whom it refuses wait for some seconds."""
        with concurrent.futures.ThreadPoolExecutor(len(rows)) as pool:
            return list(pool.map(lambda row: (row[0], row[1], self.login(row[0], row[1])), rows))

    def told(self, login, password):
        """The same as Pure-FTPd is told."""
        got = pureftpd.ask(self.extauth, account=login, password=password)
        if got.get("auth_ok") != "1":
            return None
        return int(got["uid"]), os.path.relpath(got["dir"], self.home)


def golden(t, box):
    stage = FtpStage(box)
    t.same(stage.logins(GOLDEN), list(GOLDEN),
           "%d logins: who may, as whom, and where to" % len(GOLDEN))
    stage.tree.change(SITE, ispmanStatus="active", FTPStatus="active")
    stage.push()
    t.same([stage.login(login, "apppw") for login in ("www.tern.example-8080", "www.tern.example:8080")],
           [(10010, "tern.example/vhosts/www:8080")] * 2, "a site with a port, with a hyphen and with a colon")
    t.same(leaks(stage), [], "no password and no stored value is in any log")


def leaks(stage):
    found = stage.leaks(authstage.stored_values(stage.tree) | {"adapw", "bobpw", "ternpw", "wwwpw"})
    with open(stage.ftpauthd.log_path, encoding="utf-8", errors="replace") as f:
        text = f.read()
    return found + [word for word in ("adapw", "bobpw", "ternpw", "wwwpw") if word in text]


def changes(t, box):
    stage = FtpStage(box)
    home = stage.home + "/elsewhere"
    stage.make(home, 10006, 10001)

    def after(what, want, login="ada@tern.example", password="adapw", dn=ADA, **values):
        stage.tree.change(dn, **values)
        stage.push()
        t.same(stage.told(login, password), want, what)

    ada = (10006, "tern.example/users/ada_tern_example")
    after("a new password: the old one", None, userPassword=authstage.ssha("another"))
    t.same(stage.told("ada@tern.example", "another"), ada, "a new password: the new one")
    after("another home", (10006, "elsewhere"), password="another", homeDirectory=home)
    t.same(stage.logins((("ada@tern.example", "adapw"), ("ada@tern.example", "another"))),
           [("ada@tern.example", "adapw", None), ("ada@tern.example", "another", (10006, "elsewhere"))], "and so says Pure-FTPd")
    after("FTPStatus: disabled", None, password="another", FTPStatus="disabled")
    after("FTPStatus: enabled", (10006, "elsewhere"), password="another", FTPStatus="enabled")
    after("suspended", None, password="another", ispmanStatus="suspended")
    after("active", (10006, "elsewhere"), password="another", ispmanStatus="active")
    after("a relative home", None, password="another", homeDirectory="elsewhere")
    after("root's number", None, login="bob.berg@tern.example", password="bobpw", dn=BOB, uidNumber="0")
    del stage.tree.entries[mailstage.ispman_ldif.dn_key(mailstage.ispman_ldif.octets(BOB))]
    stage.push()
    t.same(stage.told("bob.berg@tern.example", "bobpw"), None, "deleted")
    t.same(leaks(stage), [], "no password and no stored value is in any log")


def never_a_mixture(t, box):
    """One login, again and again of somebody else, with another password, number and home, while many ask."""
    stage = FtpStage(box, verbose=False)
    ldap = stage.directory.ldap
    dn = mailstage.ispman_ldif.octets("uid=dan_tern_example,ou=users," + TERN)
    state = {"turn": 0, "seen": -1}

    def dan(turn):
        return dn, [("objectClass", "posixAccount"), ("objectClass", "ispmanDomainUser"), ("uid", "dan_tern_example"), ("uid", "dan@tern.example"),
                    ("ispmanDomain", "tern.example"), ("cn", "dan"), ("sn", "dan"), ("uidNumber", "%d" % (40000 + turn)),
                    ("gidNumber", "10001"), ("homeDirectory", "%s/dan%d" % (stage.home, turn)), ("mailHost", "mail1.isp.example"),
                    ("mailLocalAddress", "dan@tern.example"), ("userPassword", authstage.ssha("secret-%d" % turn)), ("ispmanStatus", "active")]

    def ask(*_):
        seen, newest = state["seen"], state["turn"]
        for turn in range(max(0, seen - 2), newest + 1):
            got = pureftpd.ask(stage.extauth, account="dan@tern.example", password="secret-%d" % turn)
            # Between the two there is nobody.
            if got.get("auth_ok") in ("-1", "0"):
                continue
            if (got.get("uid"), os.path.normpath(got.get("dir", ""))) != ("%d" % (40000 + turn), "%s/dan%d" % (stage.home, turn)):
                return "with the password of owner %d: %s" % (turn, got)
            if turn < seen:
                return "owner %d was let in after owner %d" % (turn, seen)
            state["seen"] = max(state["seen"], turn)
        return None

    ldap.add(*dan(0))
    stage.cached.wait()
    with authstage.Load(ask, threads=4) as load:
        for turn in range(1, OWNERS):
            ldap.delete(dn)
            state["turn"] = turn
            ldap.add(*dan(turn))
            servers.wait_until(lambda: state["seen"] >= turn or load.wrong, "owner %d to be let in" % turn, pause=0.001)
            if load.wrong:
                break
    load.judge(t, "a login that %d people have had: each password opens its owner's home" % OWNERS)


def without_directory(t, box):
    stage = FtpStage(box)
    stage.directory.disconnect()
    stage.directory.slapd.stop()
    stage.cached.kill()
    stage.saslauthd.stop()
    stage.saslauthd.start()
    stage.ftpauthd.stop()
    stage.ftpauthd.start()
    t.same(stage.logins(GOLDEN), list(GOLDEN),
           "slapd and ispman-cached stopped, the others started again: %d logins as before" % len(GOLDEN))
    stage.saslauthd.stop()
    t.same([got for _, _, got in stage.logins((("ada@tern.example", "adapw"), ("backdoor", "behind")))], [None, None],
           "without ispman-saslauthd nobody is let in, and nothing behind it is opened")


authstage.main("sasl-ftp", (golden, changes, never_a_mixture, without_directory), ("slapd",),
               lambda *names: authstage.missing(*names) or pureftpd.missing() or ftpstage.missing())
