#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""secret/ and account/: what of logins comes into the cache and when, and what happens when stored passwords cannot be read."""

import os
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import servers  # noqa: E402
import stage    # noqa: E402

TERN = "tern.example"
GULL = "gull.example"
HASH = "{SSHA}bXVsdGktdmFsdWVkLWFuZC1ub3QtcmVhbAo="
# As a program that knew no logins would have asked.
WITHOUT_LOGINS = {"vhost-class": "noHost", "admin-class": "noAdmin", "password": "noPassword", "home": "noHome"}
HIDDEN = "access to attrs=userPassword by anonymous auth by * none\n"


def some_tree(users=8, password=HASH):
    tree = stage.tree_of(TERN, GULL)
    for i in range(users):
        add_user(tree, TERN, "u%d" % i, password)
    admins = tree.branch("ou", "admins", b"o=ispman")
    tree.add(b"uid=cyrus," + admins, [("objectClass", "ispmanSysadmin"), ("ispmanSysadminLevel", "1"), ("cn", "admin"),
                                        ("uid", "cyrus"), ("ou", "admins"), ("userPassword", HASH)])
    return tree


def add_user(tree, domain, name, password=HASH, *more):
    users = tree.branch("ou", "users", stage.domain_dn(domain).encode())
    uid = "%s_%s" % (name, domain.replace(".", "_"))
    dn = b"uid=" + uid.encode() + b"," + users
    attributes = [("objectClass", "ispmanDomainUser"), ("uid", uid), ("uid", "%s@%s" % (name, domain)), ("cn", name), ("sn", name),
                  ("mailLocalAddress", "%s@%s" % (name, domain))]
    tree.add(dn, attributes + ([("userPassword", password)] if password else []) + list(more))
    return dn


def counts(scene):
    status = scene.status() or {}
    return tuple(status.get(name) for name in ("accounts", "accounts_with_password", "logins"))


def comes_to(t, scene, want, name):
    try:
        servers.wait_until(lambda: counts(scene) == want, name, 20)
    except Exception:  # what it came to is told below
        pass
    t.same(counts(scene), want, name)


def warnings(scene):
    return [line for line in scene.status()["warnings"] if "password" in line and "olcAccess" in line]


def follows(t, box):
    scene = stage.Stage(box, some_tree(), named=False)
    # Two domains have a uid, and no password.
    t.same(counts(scene), (11, 9, 19), "domains, users and an admin, and all their logins")
    for name in ("secret", "account"):
        got = scene.status()["environments"][name]
        t.ok(got["complete"] and got["error"] == "" and got["queue"] == 0, name + ": its own status", got)
    t.same(warnings(scene), [], "nothing is missing")
    dn = add_user(scene.tree, GULL, "eve", HASH, ("uid", "u1@" + TERN), ("uid", "u2_tern_example"))
    scene.push()
    scene.settle()
    # A foreign login is no record; a word that is another's is there, but has no say.
    comes_to(t, scene, (12, 10, 21), "one more, who takes nobody's login")
    kinds = sorted(problem[0] for problem in scene.problems() if "login" in problem[0])
    t.same(kinds, ["foreign-login", "login-not-own"], "what she tried is a problem")
    scene.set_value(dn, "userPassword", None)
    scene.push()
    scene.settle()
    comes_to(t, scene, (12, 9, 21), "an account without password")
    t.same(warnings(scene), [], "which is no reason to worry")
    scene.tree.remove(dn)
    scene.push()
    scene.settle()
    comes_to(t, scene, (11, 9, 19), "and she goes")
    done = scene.cached.ctl("verify")
    t.ok(done.returncode == 0 and "0 secret records differ, 0 account records differ" in done.stdout, "verify compares both", done.stdout)
    for name in ("secret", "account"):
        t.same(scene.cached.ctl("rebuild", name).returncode, 0, "rebuild " + name)
    t.ok("; 0 fragments differed" in scene.cached.ctl("rebuild").stdout, "every fragment is derived")
    metrics = scene.cached.ctl("metrics").stdout
    for line in ("ispman_accounts{", "ispman_accounts_with_password{", "ispman_logins{", 'environment="secret"'):
        t.ok(line in metrics, "metrics: " + line, metrics)
    mode = {name: os.stat(os.path.join(scene.cached.cache_dir, name)).st_mode & 0o7777 for name in ("secret", "account", "directory")}
    t.same((mode["secret"] & 0o077, mode["directory"] & 0o077), (0, 0), "without a group nobody else reads secrets")
    for folder, _, files in os.walk(os.path.join(scene.cached.cache_dir, "secret")):
        for file in files:
            if file == "data.mdb":
                t.same(os.stat(os.path.join(folder, file)).st_mode & 0o077, 0, file + ": its mode")
    with open(scene.cached.log_path, errors="replace") as f:
        t.ok(HASH not in f.read(), "no stored password is in the log")
    box.release(scene.cached, scene.slapd)


def verify_elsewhere(t, box):
    """verify = bind and back: what is not wanted is neither asked for nor kept."""
    scene = stage.Stage(box, some_tree(), named=False)
    t.same(counts(scene), (11, 9, 19), "passwords are there")
    scene.cached.settings["login"] = {"verify": "bind"}
    scene.cached.write_conf()
    scene.cached.stop()
    scene.cached.start(wait=False)
    comes_to(t, scene, (11, 0, 19), "with verify = bind they go")
    scene.settle()
    t.same(warnings(scene), [], "and are not missed")
    t.same(scene.cached.ctl("verify").returncode, 0, "the cache is what the directory was asked for")
    scene.cached.settings["login"] = {"verify": "hash-then-bind"}
    scene.cached.write_conf()
    scene.cached.stop()
    scene.cached.start(wait=False)
    comes_to(t, scene, (11, 9, 19), "with hash-then-bind they come back")
    scene.settle()
    t.same(scene.cached.ctl("verify").returncode, 0, "all is as if loaded from nothing")
    box.release(scene.cached, scene.slapd)


def right_is_lost(t, box):
    """The bind DN may not read passwords any more."""
    tree = some_tree(users=30)
    reader = stage.Reader(tree)
    scene = stage.Stage(box, tree, settings=reader.settings(box), named=False, extra_database=reader.access)
    t.same(counts(scene), (33, 31, 63), "passwords are there")

    def with_access(lines):
        scene.cached.stop()
        scene.ldap.modify(stage.node_dn(TERN), replace={"ou": ["change %d" % time.monotonic_ns()]})
        scene.disconnect()
        scene.slapd.stop()
        with open(scene.slapd.conf_path) as f:
            conf = f.read().replace(HIDDEN, "")
        with open(scene.slapd.conf_path, "w") as f:
            f.write(conf.replace(reader.access, lines + reader.access))
        scene.slapd.start()
        # A new comparison: from nothing.
        scene.cached.settings.setdefault("profile", {})["transport"] = "other%d" % time.monotonic_ns()
        scene.cached.write_conf()
        scene.cached.start(wait=False)

    with_access(HIDDEN)
    comes_to(t, scene, (33, 0, 63), "the accounts are there, the passwords are not")
    servers.wait_until(lambda: warnings(scene), "the warning", 20)
    t.ok('attrs=userPassword by dn.exact="%s" read' % reader.dn in warnings(scene)[0], "the status says what is missing", warnings(scene))
    scene.cached.wait_log("no stored password can be read")
    t.same(scene.status()["brake"], None, "the brake has nothing to do with it")
    with_access("")
    comes_to(t, scene, (33, 31, 63), "the right is back, and so are they")
    t.same(warnings(scene), [], "and nothing is said")
    box.release(scene.cached, scene.slapd)


def brake(t, box):
    """Most admins are gone while nobody looked: no zone, no address, but accounts."""
    tree = some_tree(users=0)
    admins = tree.branch("ou", "admins", b"o=ispman")
    for i in range(20):
        tree.add(b"uid=a%d," % i + admins, [("objectClass", "ispmanSysadmin"), ("ispmanSysadminLevel", "1"), ("cn", "admin"),
                                            ("uid", "a%d" % i), ("ou", "admins"), ("userPassword", HASH)])
    reader = stage.Reader(tree)
    scene = stage.Stage(box, tree, settings=reader.settings(box), named=False, extra_database=reader.access)
    t.same(counts(scene), (23, 21, 23), "admins")
    scene.cached.stop()
    scene.ldap.modify(stage.node_dn(TERN), replace={"ou": ["change"]})
    scene.disconnect()
    scene.slapd.stop()
    with open(scene.slapd.conf_path) as f:
        conf = f.read()
    with open(scene.slapd.conf_path, "w") as f:
        f.write(conf.replace(reader.access, 'access to dn.subtree="ou=admins,o=ispman" by * none\n' + reader.access))
    scene.slapd.start()
    scene.cached.start(wait=False)
    servers.wait_until(lambda: (scene.status() or {}).get("brake"), "the brake", 30)
    got = scene.status()["brake"]
    t.same((got["accounts"], got["accounts_total"], got["addresses"], got["zones"]), (21, 23, 0, 0), "the brake holds accounts")
    t.same(counts(scene), (23, 21, 23), "nothing is removed")
    t.ok("21 of 23 accounts" in scene.cached.ctl("status").stdout, "in words", scene.cached.ctl("status").stdout)
    t.same(scene.cached.ctl("release-brake").returncode, 0, "let go")
    comes_to(t, scene, (2, 0, 2), "they go")
    box.release(scene.cached, scene.slapd)


def locked(t, box):
    """A reader of secret/ that was taken over holds its writer's lock: account/ waits for it, but not for ever."""
    scene = stage.Stage(box, some_tree(), named=False)
    folder = os.path.join(scene.cached.cache_dir, "secret", "1")
    reader = subprocess.Popen([servers.built("tests/integration/cache_watch"), "lock", folder], stdout=subprocess.PIPE,
                              text=True, preexec_fn=servers._die_with_parent)
    t.same(reader.stdout.readline().strip(), "locked", "secret/ is locked")
    began = time.monotonic()
    for i in range(10):
        add_user(scene.tree, TERN, "new%d" % i)
        scene.push()
    servers.wait_until(lambda: scene.status()["logins"] == 39, "account/", 20, pause=0.02)
    t.ok(time.monotonic() - began < 10, "account/ goes on (%.1f s)" % (time.monotonic() - began))
    t.same(scene.status()["accounts"], 11, "secret/ does not")
    reader.kill()
    reader.wait()
    scene.settle()
    comes_to(t, scene, (21, 19, 39), "the lock is gone: it catches up")
    t.same(scene.cached.ctl("verify").returncode, 0, "nothing was lost")
    box.release(scene.cached, scene.slapd)


def upgrade(t, box):
    """A directory/ that lacks what logins need, and no secret/."""
    scene = stage.Stage(box, some_tree(), named=False, settings={"profile": dict(WITHOUT_LOGINS)})
    scene.cached.stop()
    for name in ("secret", "account"):
        shutil.rmtree(os.path.join(scene.cached.cache_dir, name))
    scene.disconnect()
    scene.slapd.stop()
    del scene.cached.settings["profile"]
    scene.cached.write_conf()
    scene.cached.start(wait=False)
    servers.wait_until(lambda: scene.cached.ctl("status").returncode in (0, 1), "ispman-cached", 20)
    t.same(scene.cached.ctl("wait", "--timeout", "1").returncode, 1, "LDAP is away: not synchronised")
    got = scene.status()["environments"]
    t.same([got[name]["complete"] for name in ("dns", "mail", "secret", "account")], [True, True, False, False],
           "what was known is served, the others cannot tell")
    t.ok("those who verify passwords cannot tell" in scene.cached.ctl("status").stdout, "in words too")
    scene.slapd.start()
    scene.cached.wait()
    comes_to(t, scene, (11, 9, 19), "then all of it is there")
    t.same(scene.cached.ctl("verify").returncode, 0, "as if loaded from nothing")
    box.release(scene.cached, scene.slapd)


if __name__ == "__main__":
    stage.main("ops_logins", [follows, verify_elsewhere, right_is_lost, brake, locked, upgrade])
