#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Directories as the directory says: slapd, ispman-cached and ispman-agent together. What is made and how soon, what follows a change,
which hosts' accounts are ours, and what was there before."""

import os
import stat
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import agentstage  # noqa: E402
import servers     # noqa: E402
import tap         # noqa: E402
from agentstage import about, domain_number, group, host, number, user_dn, vhost  # noqa: E402

TERN = "tern.example"
MANY = 60


def skeleton(box):
    folder = box.path("skeleton")
    os.makedirs(folder + "/public_html")
    for path, text, mode in (("public_html/index.html", "hello\n", 0o644), (".profile", "umask 077\n", 0o600)):
        with open(os.path.join(folder, path), "w") as f:
            f.write(text)
        os.chmod(f.name, mode)
    return folder


def made(t, box):
    stage = agentstage.Stage(box, skeleton=skeleton(box), maildir="yes", mode="0750")
    stage.start()
    stage.add_domain(TERN)
    home = stage.add_user("ada", TERN)
    stage.add(vhost("www", TERN, stage.root))
    site = stage.root + "/tern.example/vhosts/www"
    stage.wait(lambda: os.path.isdir(home) and os.path.isdir(site), "the directories")
    gid = domain_number(TERN)
    t.same([about(stage.root + "/tern.example" + path) for path in ("", "/vhosts", "/users")], [(gid, gid, 0o750)] * 3,
           "a domain's directory and the folders in it: owner, group, mode")
    uid = number("ada", TERN)
    t.same([about(os.path.join(home, path)) for path in (".", "public_html", "public_html/index.html", ".profile", "Maildir",
                                                         "Maildir/tmp", "Maildir/new", "Maildir/cur")],
           [(uid, gid, 0o750), (uid, gid, 0o755), (uid, gid, 0o644), (uid, gid, 0o600)] + [(uid, gid, 0o700)] * 4,
           "a home: owners and modes, with the skeleton and a Maildir")
    with open(home + "/public_html/index.html") as f:
        t.same(f.read(), "hello\n", "what the skeleton's file says")
    uid = number("vhost-www", TERN)
    t.same(sorted((name, about(os.path.join(site, name))) for name in os.listdir(site)),
           [(name, (uid, gid, 0o750)) for name in ("cgi-bin", "htdocs", "logs", "stats")], "a virtual host's folders")
    soon = []
    for i in range(MANY):
        home = stage.add_user("u%d" % i, TERN)
        soon.append(agentstage.watch(lambda: os.path.isdir(home)))
    tap.say("from slapd's answer to the directory: p50 %.0f ms, p99 %.0f ms, of %d" % (
        agentstage.percentile(soon, 50) * 1000, agentstage.percentile(soon, 99) * 1000, MANY))
    t.ok(max(soon) < 10, "%d accounts one by one, each soon there" % MANY, soon)
    stage.wait(lambda: stage.status().get("directories") == MANY + 3, "the status")
    t.same([stage.status()["failures"], stage.stop(), stage.staging()], [0, 0, []],
           "no failures, and nothing is left in staging")
    before = agentstage.tree(stage.root)
    t.same([stage.once("--dry-run")[:2], stage.once("--once")[0], agentstage.tree(stage.root)], [(0, ""), 0, before],
           "another pass has nothing to do and does nothing")


def changes(t, box):
    stage = agentstage.Stage(box)
    stage.add_domain(TERN)
    home = stage.add_user("ada", TERN)
    eve = stage.add_user("eve", TERN)
    stage.start()
    stage.wait(lambda: os.path.isdir(home) and os.path.isdir(eve), "the homes")
    with open(home + "/letter", "w") as f:
        f.write("dear")
    inode = os.stat(home).st_ino
    elsewhere = stage.root + "/tern.example/users/new/place/ada"
    stage.ldap.modify(user_dn("ada", TERN), replace={"homeDirectory": [elsewhere]})
    stage.wait(lambda: os.path.exists(elsewhere + "/letter"), "the home to move")
    t.same([os.stat(elsewhere).st_ino, os.path.exists(home)], [inode, False], "another homeDirectory: it is renamed, with what is in it")
    stage.ldap.modify(user_dn("ada", TERN), replace={"homeDirectory": [eve]})
    stage.wait_failure("another account's")
    t.same([os.path.exists(elsewhere + "/letter"), about(eve)[0]], [True, number("eve", TERN)],
           "the home of another: reported, and both stay")
    stage.ldap.modify(user_dn("ada", TERN), replace={"homeDirectory": [home]})
    stage.wait(lambda: os.path.exists(home + "/letter"), "the home to move back")
    stage.wait(lambda: stage.status()["failures"] == 0, "the failure to go")
    stage.ldap.modify(user_dn("ada", TERN), replace={"uidNumber": ["31000"]})
    stage.wait_failure("does not have the entry's owner")
    t.same(about(home)[0], number("ada", TERN), "another uidNumber: reported, and nothing is chowned")
    os.chown(home, 31000, -1)
    stage.wait(lambda: stage.status()["failures"] == 0, "the failure to go")
    t.ok(True, "... until somebody does that")
    before = agentstage.tree(stage.root)
    stage.ldap.modify(user_dn("ada", TERN), replace={"ispmanStatus": ["suspended"], "FTPStatus": ["disabled"]})
    stage.add_user("later", TERN)
    stage.wait(lambda: os.path.isdir(stage.home("later", TERN)), "what came behind it")
    after = agentstage.tree(stage.root, ("tern.example/users/later",))
    t.same(after, before, "a suspended account keeps everything")
    t.same(stage.stop(), 0, "it ends")


def hosts(t, box):
    stage = agentstage.Stage(box)
    stage.adopt()
    stage.start()
    stage.add_domain(TERN)
    ours = stage.add_user("ada", TERN, fileHost="DISK1.isp.example")
    other = stage.add_user("bob", TERN, fileHost="disk2.isp.example")
    alias = stage.add_user("cas", TERN, fileHost="homes")
    none = stage.add_user("dan", TERN, fileHost=None)
    stage.wait(lambda: os.path.isdir(ours), "ada's home")
    stage.settle()
    last = stage.add_user("last", TERN)
    stage.wait(lambda: os.path.isdir(last), "last's home")
    t.same([os.path.isdir(path) for path in (ours, other, alias, none)], [True, False, False, False],
           "ours, whatever the case; not another host's, an unknown one's, or nobody's")
    stage.add(host(agentstage.HOST, "homes"))
    stage.wait(lambda: os.path.isdir(alias), "cas's home")
    t.ok(not os.path.exists(other) and not os.path.exists(none), "this host has an alias in the directory: what names it is ours")
    stage.add(group("fileservergroup", "homes"))
    stage.wait(lambda: os.path.isdir(none), "dan's home")
    t.ok(not os.path.exists(other), "this host is a file server: what names no host is ours")
    with open(ours + "/letter", "w") as f:
        f.write("dear")
    stage.ldap.modify(user_dn("ada", TERN), replace={"fileHost": ["disk2.isp.example"]})
    stage.wait(lambda: "belongs on another host now" in stage.daemon.log(), "ada to leave")
    t.ok(os.path.exists(ours + "/letter"), "another host has it now: it is kept")
    stage.ldap.modify(user_dn("ada", TERN), replace={"fileHost": [agentstage.HOST]})
    stage.wait(lambda: "belongs on this host again" in stage.daemon.log(), "ada to come back")
    t.same([os.path.exists(ours + "/letter"), stage.trash(), stage.status()["failures"]], [True, [], 0], "and back")
    stage.stop()
    t.same([stage.once()[0], os.path.isdir(other)], [0, False], "bob is still another host's")
    t.same([stage.once("--once", everything="yes")[0], os.path.isdir(other)], [0, True], "a single server has everything")


def existing(t, box):
    stage = agentstage.Stage(box)
    gid = domain_number(TERN)
    stage.add_domain(TERN)
    names = ("right", "wrong", "file", "link", "fifo", "dangling")
    homes = {name: stage.add_user(name, TERN) for name in names}
    stage.add_user("fresh", TERN)
    os.makedirs(stage.root + "/tern.example/users")
    for name in ("right", "wrong"):
        os.mkdir(homes[name])
        with open(homes[name] + "/mine", "w") as f:
            f.write(name)
    os.chmod(homes["right"], 0o701)
    os.chown(homes["right"], number("right", TERN), gid)
    with open(homes["file"], "w"):
        pass
    outside = box.path("outside")
    os.mkdir(outside)
    os.chown(outside, number("link", TERN), gid)
    os.symlink(outside, homes["link"])
    os.symlink(box.path("nowhere"), homes["dangling"])
    os.mkfifo(homes["fifo"])
    # The domain's own, too, was there before, and is root's.
    stranger = stage.root + "/tern.example/users/stranger"
    os.mkdir(stranger)
    before = agentstage.tree(stage.root)
    stage.settle()
    status, _, log = stage.once()
    t.same(status, 1, "a first pass over what an old site has says that not all is well")
    after = agentstage.tree(stage.root, (".ispman",))
    t.same(after["tern.example/users/right"], before["tern.example/users/right"], "the right owner: taken over as it is")
    t.same(sorted(os.listdir(homes["right"])), ["mine", "public_html"], "... with the folders that were missing")
    t.same(about(homes["right"] + "/public_html"), (number("right", TERN), gid, 0o755), "... its own")
    t.same({name: after["tern.example/users/" + name] == before["tern.example/users/" + name] for name in names},
           dict.fromkeys(names, True), "everything else is left as it was")
    t.same(os.listdir(outside), [], "nothing came through a symbolic link")
    reasons = {account.split("_")[0]: reason.split(" already, ")[-1] for (_, account), reason in stage.failures().items()}
    t.same({name: reasons.get(name) for name in names}, {
        "right": None, "wrong": "and belongs to somebody else: chown it, or move it away", "file": "and is no directory",
        "link": "and is no directory", "fifo": "and is no directory", "dangling": "and is no directory"},
        "what is in the way is reported, and why")
    t.ok("tern.example is there already" in str(stage.failures()), "the domain's directory of another owner too", stage.failures())
    t.ok(os.path.isdir(stage.home("fresh", TERN)), "and what is missing is made")

    stage.ldap.delete(user_dn("right", TERN))
    stage.settle()
    for _ in range(2):
        stage.once()
    t.same([os.path.exists(homes["right"] + "/mine"), os.path.isdir(stranger), stage.trash()], [True, True, []],
           "nothing is removed before --adopt")
    t.same([stage.adopt(), stage.once()[0], os.path.exists(homes["right"])], [0, 1, False], "then what is gone goes")
    t.same([uuid_path[1] for uuid_path in stage.trash()], [homes["right"]], "... into the trash")
    t.ok(os.path.isdir(stranger), "what no entry ever had stays for good")


def hostile(t, box):
    """What the directory may say."""
    stage = agentstage.Stage(box)
    stage.add_domain(TERN)
    stage.add_domain("wren.example")
    outside = box.path("outside")
    os.mkdir(outside)
    root = stage.root
    rows = {
        "up": (root + "/tern.example/../../outside/x", "an empty component, . or .."),
        "dot": (root + "/tern.example/./users/../x", "an empty component, . or .."),
        "double": (root + "/tern.example//x", "an empty component, . or .."),
        "away": (outside + "/tern.example/x", "not below one of [agent] roots"),
        "beside": (root + "-more/tern.example/x", "not below one of [agent] roots"),
        "etc": ("/etc/tern.example", "not below one of [agent] roots"),
        "relative": ("tern.example/users/relative", "not absolute"),
        "own": (root + "/.ispman/trash/tern.example", ".ispman"),
        "other": (root + "/wren.example/users/other", "the domain's name"),
        "long": (root + "/tern.example/" + "a" * 256, "longer than 255"),
        "deep": (root + "/tern.example" + "/abcdefg" * 510, "too long"),
        "control": (root + "/tern.example/a\x01b", "control characters"),
        "line": (root + "/tern.example/a\nb", "control characters"),
    }
    for name, (path, _) in rows.items():
        try:
            stage.add_user(name, TERN, homeDirectory=path)
        except agentstage.ldapclient.Refused as e:
            tap.say("%s: slapd refuses it: %s" % (name, e))
            rows[name] = (path, None)
    owners = {"root": {"uidNumber": "0"}, "system": {"uidNumber": "999"}, "wheel": {"gidNumber": "0"}}
    for name, change in owners.items():
        stage.add_user(name, TERN, **change)
    stage.add_user("slash", TERN, homeDirectory=stage.home("slash", TERN) + "/")
    stage.add_user("jail", TERN, homeDirectory=root + "/tern.example/./users/jail")
    # Those that are told apart only by a very long tail or head.
    long = "/".join(["b" * 200] * 4)
    for i in range(2):
        stage.add_user("tail%d" % i, TERN, homeDirectory="%s/tern.example/%d/%s" % (root, i, long))
    stage.settle()
    t.same(stage.once()[0], 1, "a pass over an odd directory ends, with failures")
    reasons = {account.rsplit("_tern", 1)[0]: reason for (_, account), reason in stage.failures().items()}
    problems = stage.cached.ctl("problems").stdout.split("\nuid=")
    for name, (_, want) in rows.items():
        # What no home may be does not come out of the cache, which has a word of its own about it.
        in_cache = any(p.startswith(name + "_tern_example") and "bad-home" in p for p in problems)
        t.ok(want is None or want in reasons.get(name, "") or in_cache, "homeDirectory %s is refused" % name,
             "%s\n%s" % (reasons.get(name), "\n".join(problems)))
    for name in owners:
        t.ok("uid-min" in reasons.get(name, "") and not os.path.exists(stage.home(name, TERN)), "an owner %s gets nothing" % name,
             reasons.get(name))
    t.same([about(stage.home(name, TERN))[0] for name in ("slash", "jail")], [number(name, TERN) for name in ("slash", "jail")],
           "a / at the end, and the /./ of FTP servers, are no harm")
    t.same([about("%s/tern.example/%d/%s" % (root, i, long))[0] for i in range(2)], [number("tail%d" % i, TERN) for i in range(2)],
           "two long paths with one end are two")
    t.same([os.listdir(outside), sorted(os.listdir(root)), os.listdir(root + "/.ispman/trash"), os.path.exists("/etc/tern.example")],
           [[], [".ispman", TERN, "wren.example"], [], False], "nothing outside, and nothing in another's place")
    t.same(stage.once("--dry-run", paths="any")[1], "make directory %s\n" % rows["other"][0],
           "another domain's place is had where the configuration allows that, and nothing else of these")
    links(t, stage, outside)


def links(t, stage, outside):
    """What users may put into what is theirs: links where directories are to be made."""
    users = stage.root + "/tern.example/users"
    uid, gid = number("slash", TERN), domain_number(TERN)
    os.rename(users, users + "-was")
    os.symlink(outside, users)
    stage.add_user("victim", TERN)
    stage.settle()
    t.same([stage.once()[0], os.listdir(outside)], [1, []], "a symbolic link on the way is not followed")
    stage.ldap.delete(user_dn("slash", TERN))
    stage.settle()
    stage.adopt()
    os.mkdir(outside + "/slash")
    os.chown(outside + "/slash", uid, gid)
    t.same([stage.once()[0], os.listdir(outside), os.path.isdir(users + "-was/slash")], [1, ["slash"], True],
           "... nor to remove something")
    os.unlink(users)
    os.rename(users + "-was", users)
    # Another directory of the same name, owner and group is not what was made.
    stage.once()
    stage.add_user("swap", TERN)
    stage.settle()
    stage.once()
    home = stage.home("swap", TERN)
    os.rename(home, home + "-was")
    os.mkdir(home)
    os.chown(home, number("swap", TERN), gid)
    stage.ldap.delete(user_dn("swap", TERN))
    stage.settle()
    stage.once()
    t.same([os.path.isdir(home), os.path.isdir(home + "-was")], [True, True],
           "what was put in the place of what was made is not removed")
    t.same(stage.staging(), [], "nothing is left in staging")


def odd_hosts(t, box):
    """Two agents, roots that cannot be used, a full disk."""
    stage = agentstage.Stage(box)
    stage.add_domain(TERN)
    stage.start()
    status, _, log = stage.once()
    t.ok(status != 0 and "runs already" in log, "a second agent with the same folder is refused, and told why", log)
    stage.stop()
    for what, options, want in (("that is not there", {"roots": box.path("nothing")}, "the root cannot be opened"),
                                ("that is everybody's", {"roots": box.path("open")}, "writable for others"),
                                ("that is no path", {"roots": "disk"}, "absolute path"), ("that is /", {"roots": "/"}, "absolute path")):
        os.makedirs(box.path("open"), exist_ok=True)
        os.chmod(box.path("open"), 0o777)
        status, _, log = stage.once("--once", **options)
        t.ok(status != 0 and want in log, "a root %s" % what, log)
    small = box.path("small")
    os.mkdir(small)
    if os.system("mount -t tmpfs -o nr_inodes=20,mode=755 tmpfs %s 2>/dev/null" % small) != 0:
        t.skip("a full disk", "nothing can be mounted here")
        return
    try:
        full_disk(t, box, stage, small)
    finally:
        os.system("umount -l " + small)


def full_disk(t, box, stage, small):
    more = agentstage.Stage(box, cached=False, roots=small)
    more.cached, more.root, more.slapd = stage.cached, small, stage.slapd
    for i in range(12):
        stage.add_user("u%d" % i, TERN, homeDirectory="%s/tern.example/users/u%d" % (small, i))
    stage.ldap.modify("ispmanDomain=tern.example,o=ispman", replace={"homeDirectory": [small + "/tern.example"]})
    stage.settle()
    t.same(more.once()[0], 1, "a disk without room: a pass ends with failures")
    t.ok("No space left" in str(more.failures()), "... and says so", more.failures())
    users = os.listdir(small + "/tern.example/users")
    t.same([(name, sorted(os.listdir(small + "/tern.example/users/" + name))) for name in users], [(name, ["public_html"]) for name in users],
           "what was made is whole")
    os.system("mount -o remount,nr_inodes=0 " + small)
    t.same([more.once()[0], len(os.listdir(small + "/tern.example/users")), more.staging()], [0, 12, []], "with room it goes on")
    stage.add_user("late", TERN, homeDirectory=small + "/tern.example/users/late")
    stage.settle()
    os.system("mount -o remount,ro " + small)
    status, _, log = more.once()
    t.ok(status != 0 and "Read-only file system" in log + str(more.failures()), "a disk that is read-only", log)
    os.system("mount -o remount,rw " + small)
    t.same([more.once()[0], os.path.isdir(small + "/tern.example/users/late")], [0, True], "... and is not any more")


def main():
    lacks = agentstage.missing()
    if lacks:
        tap.skip_all(lacks)
    t = tap.Tap()
    agentstage.run(t, "agent", (made, changes, hosts, existing, hostile, odd_hosts))
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
