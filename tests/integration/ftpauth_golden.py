#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""From the directory to an FTP session: the sample tree, ispman-cached, ispman-saslauthd, ispman-ftpauthd, and Pure-FTPd where it can run.
What was changed in LDAP counts at the next login, and logins go on without LDAP."""

import base64
import hashlib
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import authstage  # noqa: E402
import ftpstage   # noqa: E402
import mux        # noqa: E402
import pureftpd   # noqa: E402
import servers    # noqa: E402
import tap        # noqa: E402

HOME = "/var/www/tern.example"
ADA = "uid=ada_tern_example,ou=users,ispmanDomain=tern.example,o=ispman"
REFUSED, UNKNOWN = {"auth_ok": "-1"}, {"auth_ok": "0"}


def accepted(uid, home, megabytes=None):
    reply = {"auth_ok": "1", "uid": str(uid), "gid": "10001", "dir": home + "/./"}
    if megabytes:
        reply["user_quota_size"] = str(megabytes << 20)
    return reply


ROWS = [
    ("ada@tern.example", "adapw", accepted(10006, HOME + "/users/ada_tern_example", 10)),
    ("ada_tern_example", "adapw", accepted(10006, HOME + "/users/ada_tern_example", 10)),
    ("ADA@Tern.Example", "adapw", accepted(10006, HOME + "/users/ada_tern_example", 10)),
    ("bob.berg@tern.example", "bobpw", "bob"), ("bob_berg_tern_example", "bobpw", "bob"),
    ("cas@tern.example", "noEntry", REFUSED), ("cas_tern_example", "noEntry", REFUSED), ("cas@tern.example", "", REFUSED),
    ("tern.example", "ternpw", accepted(10001, HOME, 25)),
    ("gull.example", "gullpw", REFUSED), ("wren.example", "wrenpw", REFUSED),
    # ISPMan writes "active" for virtual hosts.
    ("www.tern.example", "wwwpw", "www"),
    # On a port, and suspended.
    ("www.tern.example:8080", "apppw", REFUSED), ("www.tern.example-8080", "apppw", REFUSED),
    ("heron.example", "ternpw", UNKNOWN), ("webguest", "guestpw", UNKNOWN), ("nobody@tern.example", "x", UNKNOWN),
    # No file accounts, but somebody's: the system's accounts of that name are not asked.
    ("cyrus", "cyruspw", REFUSED), ("ispman", "adminpw", REFUSED),
    ("northcoast", "northpw", UNKNOWN), ("root", "x", UNKNOWN),
    ("ada@tern.example", "bobpw", REFUSED), ("tern.example", "adapw", REFUSED),
    # What is stored is no password.
    ("ada@tern.example", "stored", REFUSED),
]


def ssha(password):
    return "{SSHA}" + base64.b64encode(hashlib.sha1(password.encode() + b"salt").digest() + b"salt").decode()


def attribute(tree, dn, name):
    """The only value, or the first."""
    _, attributes = tree.entries[authstage.operation.dn_key(dn)]
    return next((v.decode() if isinstance(v, bytes) else v for n, v in attributes if n.lower() == name.lower()), None)


class Stage:
    def __init__(self, box, tree, slapd=False):
        os.chmod(box.folder, 0o755)
        self.path = box.path("extauth")
        mux = os.path.join(box.path("sasl"), "mux")
        self.auth = authstage.AuthStage(box, tree, slapd=slapd, settings={
            "ftpauth": {"listen": "unix:%s,mode=0600" % self.path, "saslauth-socket": mux}, "saslauth": {"throttle": "no"}})
        self.daemon = ftpstage.Ftpauthd(box, [servers.built("ftpauth/ispman-ftpauthd"), "-vv", "-c", self.auth.cached.conf_path], self.path)
        self.daemon.start()

    def ask(self, account, password):
        return pureftpd.ask(self.path, account=account, password=password, peer="198.51.100.7")


def check_golden(t, box):
    tree = authstage.sample()
    stage = Stage(box, tree)
    entries = {"bob": (10007, "uid=bob_berg_tern_example,ou=users,ispmanDomain=tern.example,o=ispman"),
               "www": (None, "ispmanVhostName=www,ou=httpdata,ispmanDomain=tern.example,o=ispman")}
    for login, password, want in ROWS:
        if isinstance(want, str):
            _, dn = entries[want]
            megabytes = attribute(tree, dn, "FTPQuotaMBytes")
            want = accepted(attribute(tree, dn, "uidNumber"), attribute(tree, dn, "homeDirectory"), int(megabytes) if megabytes else None)
        if password == "stored":
            password = attribute(tree, ADA, "userPassword")
        t.same(stage.ask(login, password), want, "%s with %s" % (login, password))
    log = stage.auth.saslauthd.log()
    t.ok("198.51.100.7" in log, "ispman-saslauthd knows where a wrong password came from", log)


def check_changes(t, box):
    """Each change counts at the next login once the cache has it; without LDAP all goes on."""
    tree = authstage.sample()
    stage = Stage(box, tree, slapd=True)

    def change(**values):
        tree.change(ADA, **values)
        stage.auth.push()

    def uid(password="adapw"):
        reply = stage.ask("ada@tern.example", password)
        return reply.get("uid", reply["auth_ok"])

    t.same(uid(), "10006", "a login")
    change(userPassword=ssha("newpw"))
    t.same((uid(), uid("newpw")), ("-1", "10006"), "another password")
    change(FTPuid="30001", FTPQuotaMBytes="3", FTPUploadBandwidth="20", FTPDownloadBandwidth="10", FTPQuotaFiles="7")
    reply = stage.ask("ada@tern.example", "newpw")
    t.same({k: v for k, v in reply.items() if k not in ("auth_ok", "gid", "dir")},
           {"uid": "30001", "user_quota_size": str(3 << 20), "user_quota_files": "7", "throttling_bandwidth_ul": "20480",
            "throttling_bandwidth_dl": "10240"}, "other limits")
    change(FTPuid="0")
    t.same(uid("newpw"), "10006", "an FTPuid of 0 is none")
    for value, want in (("disabled", "-1"), ("active", "10006"), ("TRUE", "10006"), ("nonsense", "-1"), (None, "10006")):
        change(FTPStatus=value)
        t.same(uid("newpw"), want, "FTPStatus %s" % value)
    change(ispmanStatus="suspended")
    t.same(uid("newpw"), "-1", "suspended")
    change(ispmanStatus="active")
    t.same(uid("newpw"), "10006", "and no more")
    change(homeDirectory="users/ada")
    t.same(uid("newpw"), "-1", "a home that is no absolute path")
    change(homeDirectory="/srv/ftp/./ada")
    t.same(stage.ask("ada@tern.example", "newpw")["dir"], "/srv/ftp/./ada", "a home that says where its root is")
    # Deleted, and made anew by somebody else, between two logins.
    dn, attributes = tree.entries[authstage.operation.dn_key(ADA)]
    for turn in range(5):
        stage.auth.directory.remove(ADA)
        stage.auth.push()
        t.same(stage.ask("ada@tern.example", "newpw"), UNKNOWN, "deleted (%d)" % turn)
        tree.add(dn, list(attributes))
        tree.change(ADA, uidNumber=str(40000 + turn), userPassword=ssha("pw%d" % turn))
        stage.auth.push()
        t.same((uid("newpw"), uid("pw%d" % turn)), ("-1", str(40000 + turn)), "made anew: the new one's password and the new one's uid")
    stage.auth.directory.disconnect()
    stage.auth.directory.slapd.stop()
    t.same((uid("pw4"), uid("x"), stage.ask("nobody@tern.example", "x")), ("40004", "-1", UNKNOWN), "without LDAP logins go on")
    stage.auth.cached.stop()
    t.same((uid("pw4"), uid("x")), ("40004", "-1"), "and without ispman-cached")
    stage.auth.saslauthd.stop()
    t.same((stage.ask("ada@tern.example", "pw4"), stage.ask("nobody@tern.example", "x")), (REFUSED, REFUSED),
           "without ispman-saslauthd nobody gets in, and nobody is unknown")


def check_hands(t, box):
    """A login that changes hands all the time, while both owners log in: whoever gets in gets the uid that goes with his password."""
    tree = authstage.sample()
    stage = Stage(box, tree, slapd=True)
    dn, attributes = tree.entries[authstage.operation.dn_key(ADA)]
    owners = {"firstpw": "41000", "secondpw": "42000"}
    stored = {password: ssha(password) for password in owners}
    seen = {password: 0 for password in owners}

    def login(number, turn):
        password = list(owners)[number % 2]
        reply = stage.ask("ada@tern.example", password)
        if reply["auth_ok"] != "1":
            return None
        seen[password] += 1
        return None if reply["uid"] == owners[password] else "%s got %s" % (password, reply)

    with authstage.Load(login, threads=4) as load:
        for turn in range(40):
            password = list(owners)[turn % 2]
            stage.auth.directory.remove(ADA)
            stage.auth.directory.push()
            tree.add(dn, [(n, v) for n, v in attributes if n.lower() != "entryuuid"])
            tree.change(ADA, uidNumber=owners[password], userPassword=stored[password])
            stage.auth.directory.push()
            if turn % 3 == 0:
                stage.auth.cached.wait()
                load.wait_more(3)
    load.judge(t, "nobody gets another one's home while a login changes hands")
    t.ok(all(seen.values()), "both have logged in", seen)


def check_sessions(t, box):
    """All of it together, with Pure-FTPd and a method behind ours."""
    tree = authstage.sample()
    home = box.path("home")
    os.makedirs(home)
    os.chown(home, 10006, 10001)
    tree.change(ADA, homeDirectory=home, FTPQuotaMBytes="1")
    stage = Stage(box, tree)
    ftp = pureftpd.PureFtpd(box, stage.path, {"ada@tern.example": "behind"}).start()
    with ftp.session("ada@tern.example", "adapw") as session:
        pureftpd.upload(session, "page.html", b"hello")
        t.same((session.pwd(), os.stat(home + "/page.html").st_uid), ("/", 10006), "a session, and a file")
        t.same(pureftpd.refusal(pureftpd.upload, session, "film", b"x" * 1200000), "552", "and no more than the quota")
    tree.change(ADA, userPassword=ssha("other"))
    stage.auth.push()
    t.same((ftp.logs_in("ada@tern.example", "other"), ftp.logs_in("ada@tern.example", "adapw")), (True, "530"), "another password at once")
    tree.change(ADA, ispmanStatus="suspended")
    stage.auth.push()
    t.same((ftp.logs_in("ada@tern.example", "other"), ftp.logs_in("ada@tern.example", "behind")), ("530", "530"), "a suspension too")
    tree.change(ADA, ispmanStatus="active")
    stage.auth.push()
    stage.auth.saslauthd.stop()
    t.same((ftp.logs_in("ada@tern.example", "other"), ftp.logs_in("ada@tern.example", "behind")), ("530", "530"),
           "without ispman-saslauthd nobody gets in, not even to the next method")
    stage.auth.saslauthd.start()
    t.same(ftp.logs_in("ada@tern.example", "other"), True, "then all is as it was")


def check_named(t, box):
    """Whom ispman-saslauthd trusts with a client's address is told whose password it was; others are not."""
    stage = Stage(box, authstage.sample())

    def reply(*more):
        with pureftpd.connect(stage.auth.path) as s:
            s.sendall(mux.request("ada@tern.example", "adapw", "ftp", "", *more))
            return s.recv(1000)

    named = reply("198.51.100.7;0")
    t.ok(named.startswith(b"\0\x27OK ") and len(named) == 41, "five strings: OK and the account", named)
    t.same([reply(), reply("")], [b"\0\2OK"] * 2, "four strings, or a client that is not named: OK")


def main():
    why = ftpstage.missing() or authstage.missing()
    if why:
        tap.skip_all(why)
    t = tap.Tap()
    for check in (check_golden, check_sessions, check_named, check_changes, check_hands):
        if check is check_sessions and pureftpd.missing():
            t.skip("sessions of Pure-FTPd", pureftpd.missing())
            continue
        if check in (check_changes, check_hands) and servers.missing("slapd"):
            t.skip("changes in the directory", servers.missing("slapd"))
            continue
        ftpstage.run(t, check, "ftpauth-golden")
    sys.exit(t.done())


main()
