#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Mailboxes as the directory says, on a real Cyrus: slapd, ispman-cached and ispman-agent together. How soon they are there, quotas, other
hosts, accounts that come again, old sites, the brake, and a store that is down, holds, or refuses."""

import imaplib
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import agentstage     # noqa: E402
import cyrus          # noqa: E402
import servers        # noqa: E402
import tap            # noqa: E402
import tcpproxy       # noqa: E402
from agent_mailbox import Yes  # noqa: E402
from agentstage import user_dn        # noqa: E402

TERN = "tern.example"
STORE = agentstage.HOST
MANY = 40


def stage_of(box, **options):
    """The chain, with a mail store that is asked through a proxy."""
    yes = Yes(box.path("mux"))
    store = cyrus.Cyrus(box, yes.path).start()
    proxy = tcpproxy.Proxy(store.imap_port)
    password = box.write("imap-password", "cyruspw\n")
    os.chmod(password, 0o600)
    options = dict({"directories": "no", "mailboxes": "yes", "imap-server": "127.0.0.1:%d" % proxy.port, "imap-password-file": password,
                    "imap-timeout": "2s"}, **options)
    stage = agentstage.Stage(box, **options)
    stage.store, stage.proxy = store, proxy
    stage.add_domain(TERN)
    return stage


def add(stage, name, **change):
    return stage.add_user(name, TERN, **dict({"mailHost": STORE, "mailQuota": "102400"}, **change))


class Admin:
    """One session that asks, again and again."""

    def __init__(self, store):
        self.imap = imaplib.IMAP4("127.0.0.1", store.imap_port, timeout=servers.DEADLINE)
        self.imap.login("cyrus", "cyruspw")

    def mailboxes(self, pattern="user/*"):
        return sorted(line.decode().split(' "/" ')[1].strip('"') for line in self.imap.list('""', pattern)[1] if line)

    def has(self, name):
        return "user/%s@%s" % (name, TERN) in self.mailboxes("user/%s@%s" % (name, TERN))

    def quota(self, name):
        found = self.imap.getquota('"user/%s@%s"' % (name, TERN))[1][0]
        return found.decode().split("STORAGE ")[-1].rstrip(")") if found and b"STORAGE" in found else None

    def put(self, name, text):
        self.imap.setacl('"user/%s@%s"' % (name, TERN), "cyrus", "lrswipkxtecda")
        return self.imap.append('"user/%s@%s"' % (name, TERN), None, None, b"Subject: %s\r\n\r\nx\r\n" % text.encode())[0]


def letters(store, name):
    """How many its owner finds in its INBOX."""
    found = []
    said = store.imap("%s@%s" % (name, TERN), "x", lambda imap: found.append(imap.select("INBOX", True)[1][0].decode()))
    return found[0] if said == "OK" else said


def made(t, box):
    stage = stage_of(box)
    stage.adopt()
    stage.start()
    imap = Admin(stage.store)
    soon = []
    for i in range(MANY):
        add(stage, "u%d" % i)
        soon.append(agentstage.watch(lambda: imap.has("u%d" % i)))
    tap.say("from slapd's answer to the mailbox: p50 %.0f ms, p99 %.0f ms, of %d" % (
        agentstage.percentile(soon, 50) * 1000, agentstage.percentile(soon, 99) * 1000, MANY))
    t.ok(max(soon) < 10, "%d mailboxes one by one, each soon there" % MANY, soon)
    stage.wait(lambda: len(imap.mailboxes("user/u*")) == 5 * MANY, "their folders")
    stage.wait(lambda: stage.status()["mailboxes"] == MANY, "the status")
    t.same(imap.mailboxes("user/u7*@" + TERN), ["user/u7%s@%s" % (folder, TERN) for folder in ("/Drafts", "/Junk", "/Sent", "/Trash", "")],
           "each with its folders")
    t.same(imap.quota("u7").split(), ["0", "102400"], "... and its quota")
    stage.ldap.modify(user_dn("u7", TERN), replace={"mailQuota": ["2048"]})
    stage.wait(lambda: imap.quota("u7").endswith(" 2048"), "the quota")
    stage.ldap.modify(user_dn("u7", TERN), delete={"mailQuota": []})
    stage.wait(lambda: imap.quota("u7") is None, "the quota to go")
    t.ok(True, "quotas are changed and lifted")
    before = imap.mailboxes()
    stage.ldap.modify(user_dn("u8", TERN), replace={"ispmanStatus": ["suspended"], "mailHost": ["mail9.isp.example"]})
    add(stage, "other", mailHost="mail9.isp.example")
    add(stage, "none", mailHost=None)
    stage.wait(lambda: "belongs on another host now" in stage.daemon.log(), "u8 to leave")
    stage.ldap.modify(user_dn("u8", TERN), replace={"mailHost": [STORE]})
    stage.wait(lambda: "belongs on this host again" in stage.daemon.log(), "u8 to come back")
    t.same(imap.mailboxes(), before, "who moves to another host leaves the mailbox; who belongs on others has none here")
    t.same([stage.stop(), stage.once("--dry-run")[:2], stage.once()[0], imap.mailboxes()], [0, (0, ""), 0, before],
           "another pass has nothing to do")


def audited(t, box):
    """What a comparison of names does not see."""
    stage = stage_of(box)
    for name in ("ada", "bob", "eve"):
        add(stage, name)
    stage.start()
    admin = Admin(stage.store)
    stage.wait(lambda: all(admin.quota(name) == "0 102400" for name in ("ada", "bob", "eve")), "the mailboxes")
    admin.imap.setquota('"user/ada@%s"' % TERN, "(STORAGE 7)")
    admin.imap.setacl('"user/bob@%s"' % TERN, "bob@" + TERN, "lr")
    admin.imap.xatom("SETMETADATA", '"user/eve@%s"' % TERN, '(/shared/comment "mine")')
    stage.once("--audit")
    stage.wait(lambda: "audit of the mail store: 3 mailboxes, 2 things set right, 1 mailboxes" in stage.daemon.log(), "the audit")
    t.same([admin.quota("ada"), "lrswip" in str(admin.imap.getacl('"user/bob@%s"' % TERN)[1])], ["0 102400", True],
           "an audit sets quotas and rights right")
    t.ok("mailbox eve@tern.example: it has lost its stamp" in stage.daemon.log(),
         "and tells of a mailbox that is not the account's any more", stage.daemon.log())
    stage.stop()


def again(t, box):
    stage = stage_of(box, settle="10m", directories="yes")
    stage.adopt()
    imap = Admin(stage.store)
    home = add(stage, "ada")
    add(stage, "eve")
    stage.start()
    stage.wait(lambda: imap.has("ada") and imap.has("eve"), "the mailboxes")
    t.same(imap.put("ada", "old"), "OK", "ada has a letter")
    imap.imap.create('"user/eve/shared@%s"' % TERN)
    imap.imap.setacl('"user/eve/shared@%s"' % TERN, "ada@" + TERN, "lrs")
    with open(home + "/letter", "w"):
        pass
    t.same(letters(stage.store, "ada"), "1", "and reads it")
    stage.ldap.delete(user_dn("ada", TERN))
    add(stage, "ada")
    second = stage.uuid(user_dn("ada", TERN))
    # Looked at in this order: who logs in while there is no mailbox gets an empty one from Cyrus, which is then completed.
    stage.wait(lambda: letters(stage.store, "ada") == "0" and len(imap.mailboxes("user/ada*")) == 5 and os.path.isdir(home) and
               not os.path.exists(home + "/letter"), "the new ada's")
    found = []
    stage.store.imap("ada@" + TERN, "x", lambda session: found.extend(line.decode() for line in session.list()[1]))
    t.ok(len(found) == 5 and not any("eve" in line for line in found), "deleted and made again: the new one sees nothing, and nothing of others'",
         found)
    stage.stop()
    imap.put("ada", "second")
    stage.ldap.delete(user_dn("ada", TERN))
    stage.settle()
    # Cyrus cannot delete two of one name within a second.
    stage.daemon = None
    stage.wait(lambda: stage.once("--once", settle="0s")[0] == 0, "a pass without failures")
    t.same([imap.has("ada"), os.path.isdir(home)], [False, False], "deleted for good, home and mailbox")
    # Brought back: its entry must be there, with its UUID.
    stage.slapd.stop()
    dump = box.path("dump.ldif")
    stage.slapd.dump(dump)
    os.chmod(dump, 0o600)
    dn, pairs = agentstage.user("ada", TERN, stage.root, mailHost=STORE)
    entry = "\ndn: %s\n" % dn + "".join("%s: %s\n" % pair for pair in pairs) + "entryUUID: %s\n" % second
    with open(dump, "a") as f:
        f.write(entry)
    stage.slapd.wipe()
    stage.slapd.load(dump)
    said = stage.cached.log().count(": synchronised (")
    stage.slapd.start()
    servers.wait_until(lambda: stage.cached.log().count(": synchronised (") > said, "the cache to have ada again")
    stage.cached.wait()
    status, out, _ = stage.once("--restore", second)
    t.same([status, sorted(out.split()), letters(stage.store, "ada")], [0, sorted([home, "mailbox", "ada@" + TERN]), "1"],
           "--restore brings back both")


def existing(t, box):
    stage = stage_of(box)
    imap = Admin(stage.store)
    for name in ("ada", "bob", "stranger"):
        imap.imap.create('"user/%s@%s"' % (name, TERN))
    imap.put("ada", "old")
    add(stage, "ada")
    add(stage, "bob", mailQuota="4096")
    stage.settle()
    t.same([stage.once()[0], letters(stage.store, "ada"), imap.quota("bob").split()[-1]], [0, "1", "4096"],
           "mailboxes of an old site are taken over with their letters, and get their quota")
    stage.ldap.delete(user_dn("bob", TERN))
    stage.settle()
    stage.once()
    t.same([imap.has(name) for name in ("ada", "bob", "stranger")], [True] * 3, "and none is removed before --adopt")
    stage.adopt()
    stage.once()
    t.same([imap.has(name) for name in ("ada", "bob", "stranger")], [True, False, True], "then what is gone goes, and nothing that no entry had")
    imap.imap.setacl('"user/ada@%s"' % TERN, "cyrus", "lrswipkxtecda")
    imap.imap.delete('"user/ada@%s"' % TERN)
    t.same([stage.once()[0], imap.has("ada")], [0, True], "one that was deleted on the store is made anew")


def outages(t, box):
    stage = stage_of(box)
    stage.adopt()
    imap = Admin(stage.store)
    stage.start()
    add(stage, "ada")
    stage.wait(lambda: imap.has("ada"), "ada's mailbox")
    stage.proxy.freeze()
    add(stage, "held")
    stage.wait(lambda: stage.status()["failures"] >= 1, "the failure")
    t.ok("no answer in time" in str(stage.failures()), "the store holds: it is not waited for long", stage.failures())
    stage.proxy.thaw()
    stage.wait(lambda: imap.has("held"), "the mailbox", 60)
    stage.wait(lambda: stage.status()["failures"] == 0, "the failure to go")
    t.ok(True, "... and goes on when it answers")
    stage.store.stop()
    add(stage, "down")
    stage.ldap.delete(user_dn("ada", TERN))
    stage.wait(lambda: stage.status()["failures"] >= 1, "the failure")
    stage.store.start()
    imap = Admin(stage.store)
    stage.wait(lambda: imap.has("down") and not imap.has("ada"), "what had to wait", 90)
    stage.wait(lambda: stage.status()["failures"] == 0 and stage.status()["waiting"] == 0, "the failures to go")
    t.ok(True, "the store is down: what is to be made and removed waits for it")
    t.same(stage.stop(), 0, "it ends")
    wrong = box.write("wrong-password", "wrong\n")
    os.chmod(wrong, 0o600)
    add(stage, "late")
    stage.settle()
    status = stage.once("--once", imap_password_file=wrong)[0]
    t.same([status, "refuses cyrus" in str(stage.failures()), imap.has("late")], [1, True, False], "a wrong password: reported, and nothing else")
    os.chmod(wrong, 0o644)
    status, _, log = stage.once("--once", imap_password_file=wrong)
    t.ok(status != 0 and "chmod 0600" in log, "a password that everybody can read is refused", log)
    t.same([stage.once()[0], imap.has("late"), stage.once("--dry-run")[:2]], [0, True, (0, "")], "with the right one it goes on")


def main():
    lacks = agentstage.missing() or cyrus.missing()
    if lacks:
        tap.skip_all(lacks)
    t = tap.Tap()
    agentstage.run(t, "agent-store", (made, audited, again, existing, outages))
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
