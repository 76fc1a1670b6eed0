#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""What ispman-agent removes, and when not: the time to settle, the trash, accounts that come again under an old name, the brake, and
directories (LDAP) and caches that cannot be trusted."""

import os
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import agentstage  # noqa: E402
import servers     # noqa: E402
import tap         # noqa: E402
from agentstage import about, domain_number, number, user_dn, vhost  # noqa: E402

TERN = "tern.example"
DAY = 86400


def write(path, text="dear"):
    with open(path, "w") as f:
        f.write(text)


def removal(t, box):
    stage = agentstage.Stage(box, settle="2s")
    stage.adopt()
    stage.add_domain(TERN)
    home = stage.add_user("ada", TERN)
    stage.add(vhost("www", TERN, stage.root))
    site = stage.root + "/tern.example/vhosts/www"
    stage.start()
    stage.wait(lambda: os.path.isdir(home) and os.path.isdir(site), "the directories")
    write(home + "/letter")
    os.chmod(home + "/letter", 0o604)
    uuid = stage.uuid(user_dn("ada", TERN))
    took = agentstage.watch(lambda: stage.ldap.delete(user_dn("ada", TERN)) or True) + agentstage.watch(lambda: not os.path.exists(home))
    t.ok(took >= 1, "an entry is gone: nothing happens before the settle time is over", took)
    trash = stage.root + "/.ispman/trash"
    t.same([(about(path)[0], oct(about(path)[2])) for path in (stage.root + "/.ispman", trash)], [(0, "0o700")] * 2,
           "nobody but root sees the trash")
    lies, = os.listdir(trash)
    t.same([lies.split(".")[0].replace("-", ""), about(trash + "/" + lies)[2], about(trash + "/" + lies + "/content"),
            about(trash + "/" + lies + "/content/letter")],
           [uuid.replace("-", ""), 0o700, (number("ada", TERN), domain_number(TERN), 0o755), (0, 0, 0o604)],
           "it lies there as it was, by its UUID")
    t.same(stage.trash(), [(uuid, home)], "--list-trash")
    t.same(stage.once("--restore", uuid)[:2], (0, home + "\n"), "--restore tells the path")
    t.same([os.path.exists(home + "/letter"), stage.trash(), stage.once("--restore", uuid)[0]], [True, [], 1],
           "and puts it back, once")
    t.ok(stage.once("--restore", "nonsense")[0] != 0, "which wants a UUID")
    stage.stop()
    stage.once()
    t.ok(os.path.exists(home + "/letter"), "what was brought back and has no account is left alone")

    dn = "ispmanVhostName=www,ou=httpdata,ispmanDomain=tern.example,o=ispman"
    stage.start()
    stage.ldap.delete(dn)
    stage.wait(lambda: stage.status()["waiting"] == 1, "the agent to note it")
    stage.stop()
    stage.start()
    stage.wait(lambda: not os.path.exists(site), "the site to go")
    t.same([origin for _, origin in stage.trash()], [site], "what waits is not forgotten by a restart")
    stage.add(vhost("www", TERN, stage.root))
    stage.wait(lambda: os.path.isdir(site), "the new site")
    t.same(sorted(os.listdir(site)), ["cgi-bin", "htdocs", "logs", "stats"], "the site again, new")

    stage.ldap.delete(dn)
    stage.wait(lambda: stage.status()["waiting"] == 1, "the agent to note it")
    stage.ldap.add(*vhost("www", TERN, stage.root))
    stage.stop()
    # Kept for a day: those that lie there longer go.
    lies, = [name for name in os.listdir(trash) if name.startswith(stage.trash()[0][0].replace("-", "")[:8])][:1]
    uuid_part, since = lies.rsplit(".", 1)
    os.rename(trash + "/" + lies, "%s/%s.%d" % (trash, uuid_part, int(since) - DAY + 600))
    stage.once("--once", trash_days=1)
    t.ok(any(name.startswith(uuid_part) for name in os.listdir(trash)), "what is not yet a day in the trash stays")
    lies, = [name for name in os.listdir(trash) if name.startswith(uuid_part)][:1]
    os.rename(trash + "/" + lies, "%s/%s.%d" % (trash, uuid_part, int(since) - DAY - 600))
    stage.once("--once", trash_days="forever")
    t.ok(os.path.isdir("%s/%s.%d" % (trash, uuid_part, int(since) - DAY - 600)), "where it is kept forever nothing goes")
    stage.once("--once", trash_days=1)
    t.ok(not os.path.isdir("%s/%s.%d" % (trash, uuid_part, int(since) - DAY - 600)), "after trash-days it is removed for good")
    t.same(stage.staging(), [], "nothing is left in staging")


def nested(t, box):
    """A home within another one: what holds something that lives is not removed."""
    stage = agentstage.Stage(box, settle="1s")
    stage.adopt()
    stage.add_domain(TERN)
    home = stage.add_user("ada", TERN)
    inner = stage.add_user("bob", TERN, homeDirectory=home + "/bob")
    stage.start()
    stage.wait(lambda: os.path.isdir(inner) or os.path.isdir(home + "/bob"), "both homes")
    stage.ldap.delete(user_dn("ada", TERN))
    stage.wait_failure("whose account lives")
    t.ok(os.path.isdir(home + "/bob"), "a home in which another account lives stays")
    stage.ldap.delete(user_dn("bob", TERN))
    stage.wait(lambda: not os.path.exists(home), "both to go")
    t.ok(len(stage.trash()) in (1, 2), "and goes when that one is gone, too", stage.trash())
    stage.stop()


def again(t, box):
    """Deleted and made again under the same name and path, between two looks or behind one."""
    stage = agentstage.Stage(box, settle="10m")
    stage.adopt()
    stage.add_domain(TERN)
    home = stage.add_user("ada", TERN)
    stage.settle()
    t.same(stage.once()[0], 0, "ada has a home")
    write(home + "/letter")
    first = stage.uuid(user_dn("ada", TERN))
    stage.ldap.delete(user_dn("ada", TERN))
    stage.add_user("ada", TERN)
    stage.settle()
    second = stage.uuid(user_dn("ada", TERN))
    t.same([stage.once()[0], stage.once()[0], sorted(os.listdir(home)), stage.trash()], [0, 0, ["public_html"], [(first, home)]],
           "between two passes: the new ada sees nothing of the old one's, at once, and that is in the trash")
    write(home + "/mine")
    stage.start()
    stage.ldap.delete(user_dn("ada", TERN))
    stage.wait(lambda: stage.status()["waiting"] == 1, "the agent to note it")
    stage.add_user("ada", TERN, uidNumber="31001")
    stage.wait(lambda: os.path.isdir(home) and not os.path.exists(home + "/mine"), "the third ada's home")
    t.same([about(home)[0], sorted(os.listdir(home)), sorted(stage.trash())], [31001, ["public_html"], sorted([(first, home), (second, home)])],
           "while the old one's settles: the same, with another owner")
    for i in range(5):
        stage.ldap.delete(user_dn("ada", TERN))
        stage.add_user("ada", TERN, uidNumber=str(31002 + i))
    stage.wait(lambda: os.path.isdir(home) and about(home)[0] == 31006, "the last ada's home")
    t.same([stage.stop(), stage.once("--dry-run")[:2], stage.staging()], [0, (0, ""), []], "several times in a row, with one that stays")


def imported(t, box):
    """A directory that was loaded anew from an export without entryUUIDs: everybody is somebody else, at the same place."""
    stage = agentstage.Stage(box)
    stage.adopt()
    stage.add_domain(TERN)
    homes = {"u%d" % i: stage.add_user("u%d" % i, TERN) for i in range(30)}
    stage.settle()
    stage.once()
    for home in homes.values():
        write(home + "/letter")
    stage.start()
    for name in homes:
        stage.ldap.delete(user_dn(name, TERN))
        stage.add_user(name, TERN)
    last = stage.add_user("last", TERN)
    stage.wait(lambda: os.path.isdir(last), "what came last")
    stage.wait(lambda: stage.status()["brake"], "the brake")
    t.ok(sum(os.path.exists(home + "/letter") for home in homes.values()) >= 25 and len(stage.trash()) <= 5,
         "all accounts were made anew: the brake holds their homes, too", len(stage.trash()))
    stage.once("--release-brake")
    stage.wait(lambda: all(os.path.isdir(home) and not os.path.exists(home + "/letter") for home in homes.values()), "new homes", 60)
    t.same([len(stage.trash()), stage.stop(), stage.once("--dry-run")[:2]], [30, 0, (0, "")], "with leave everybody has a new one")


def brake(t, box):
    stage = agentstage.Stage(box, brake_percent=5)
    stage.adopt()
    stage.add_domain(TERN)
    homes = [stage.add_user("u%d" % i, TERN) for i in range(40)]
    stage.start()
    stage.wait(lambda: all(os.path.isdir(home) for home in homes), "the homes")
    for i in range(4):
        stage.ldap.delete(user_dn("u%d" % i, TERN))
        stage.wait(lambda: not os.path.exists(homes[i]), "a home to go")
    t.same(len(stage.trash()), 4, "few removals need nobody's leave")
    stage.stop()
    for i in range(4, 20):
        stage.ldap.delete(user_dn("u%d" % i, TERN))
    stage.settle()
    stage.once()
    t.same([sum(os.path.isdir(home) for home in homes), stage.status()["brake"], stage.status()["held"]], [36, True, 16],
           "many at once: none of them")
    t.same(len(stage.once("--dry-run")[1].splitlines()), 16, "--dry-run tells what would go")
    stage.start()
    stage.wait(lambda: "THE BRAKE HOLDS" in stage.daemon.log(), "the brake")
    last = stage.add_user("last", TERN)
    stage.wait(lambda: os.path.isdir(last), "a new home")
    t.same([sum(os.path.isdir(home) for home in homes), stage.status()["brake"]], [36, True], "the rest of the work goes on")
    stage.add_user("u4", TERN)
    # Whoever takes the name of one that is gone does not have to wait.
    stage.wait(lambda: stage.status()["held"] == 15, "one less to be held")
    t.same([os.path.isdir(homes[4]), len(stage.trash())], [True, 5], "a name that is taken again makes room at once")
    t.same(stage.once("--release-brake")[0], 0, "--release-brake")
    stage.wait(lambda: sum(os.path.isdir(home) for home in homes) == 21, "the homes to go")
    stage.wait(lambda: not stage.status()["brake"] and not stage.status()["waiting"], "the status")
    t.same(len(stage.trash()), 20, "they are in the trash, and the brake is off")
    for i in range(20, 30):
        stage.ldap.delete(user_dn("u%d" % i, TERN))
    stage.wait(lambda: stage.status()["brake"], "the brake, again")
    t.same([sum(os.path.isdir(home) for home in homes), stage.stop()], [21, 0], "leave is given for one time")


def untrusted(t, box):
    """Nothing is removed because somebody does not answer."""
    stage = agentstage.Stage(box)
    stage.adopt()
    stage.add_domain(TERN)
    homes = [stage.add_user("u%d" % i, TERN) for i in range(30)]
    stage.start()
    stage.wait(lambda: all(os.path.isdir(home) for home in homes), "the homes")
    before = agentstage.tree(stage.root, (".ispman",))

    def untouched():
        return agentstage.tree(stage.root, (".ispman",)) == before and stage.trash() == []

    stage._ldap = None
    stage.slapd.stop()
    status = stage.once("--dry-run")
    stage.stop()
    t.same([stage.once()[0], stage.once()[0], untouched()], [0, 0, True], "slapd is down: nothing is removed")
    stage.cached.kill()
    t.same([stage.once()[0], untouched()], [0, True], "and ispman-cached, too")
    shutil.rmtree(stage.cached.cache_dir)
    status, _, log = stage.once()
    t.ok(status != 0 and untouched(), "no cache at all: a pass fails, and nothing is removed", log)
    os.mkdir(stage.cached.cache_dir)
    status, _, log = stage.once()
    t.ok(status != 0 and untouched(), "an empty folder of a cache", log)
    stage.cached.start(wait=False)
    servers.wait_until(lambda: os.listdir(stage.cached.cache_dir), "files of a cache")
    status, _, log = stage.once()
    t.ok(untouched(), "a cache that has nothing yet", log)
    # A daemon that sees all that.
    stage.daemon = box.run("ispman-agent", stage.command())
    stage.wait(lambda: "cannot tell" in stage.daemon.log() or "complete pass" in stage.daemon.log(), "the agent to look")
    stage.slapd.start()
    stage.cached.wait()
    late = stage.add_user("late", TERN)
    stage.wait(lambda: os.path.isdir(late), "late's home")
    before = agentstage.tree(stage.root, (".ispman",))
    t.same([untouched(), stage.status()["waiting"], stage.status()["failures"]], [True, 0, 0],
           "a cache made anew: a complete pass, and nothing is removed")
    passes = stage.daemon.log().count("complete pass")
    stage.cached.kill()
    shutil.rmtree(stage.cached.cache_dir)
    os.mkdir(stage.cached.cache_dir)
    stage.cached.start()
    later = stage.add_user("later", TERN)
    stage.wait(lambda: os.path.isdir(later), "later's home")
    before.update({path: entry for path, entry in agentstage.tree(stage.root, (".ispman",)).items() if "users/later" in path})
    before["tern.example/users"] = agentstage.tree(stage.root, (".ispman",))["tern.example/users"]
    stage.wait(lambda: stage.daemon.log().count("complete pass") > passes, "a complete pass")
    t.ok(untouched(),
           "the same under an agent that runs: it notices, and makes a complete pass")
    # While the agent was away, somebody was deleted, and the log has no word of it.
    stage.stop()
    stage.ldap.delete(user_dn("late", TERN))
    stage.settle()
    t.same([stage.once()[0], os.path.exists(late), len(stage.trash())], [0, False, 1], "one who went meanwhile is found by the complete pass")
    t.same([stage.once("--dry-run")[:2], stage.staging()], [(0, ""), []], "nothing is left to do, or in staging")


def main():
    lacks = agentstage.missing()
    if lacks:
        tap.skip_all(lacks)
    t = tap.Tap()
    agentstage.run(t, "agent-removal", (removal, nested, again, imported, brake, untrusted))
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
