#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""mail/ beside dns/: neither holds up the other, and readers of mail cannot tell until everything that mail needs has come.
Never, at no time, is mail refused for an address that the directory has."""

import json
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
QUEUE = 220  # commits: more than the source lets a publisher be behind
# As a program that knew no mail would have asked.
WITHOUT_MAIL = {"user-class": "noUser", "group-class": "noGroup", "local-address": "noAddress", "alias": "noAlias",
                "forwarding-address": "noForwarding", "mail-host": "noHost"}


def some_tree(users=0):
    tree = stage.tree_of(TERN)
    for i in range(users):
        add_user(tree, TERN, "u%d" % i)
    add_user(tree, TERN, "ada", ("mailAlias", "ada.ames@" + TERN), ("mailForwardingAddress", "ada@far.example"))
    return tree


def add_user(tree, domain, name, *more):
    users = tree.branch("ou", "users", stage.domain_dn(domain).encode())
    dn = b"uid=" + name.encode() + b"," + users
    tree.add(dn, [("objectClass", "ispmanDomainUser"), ("uid", name), ("cn", name), ("sn", name), ("mailHost", "store.example"),
                  ("mailLocalAddress", "%s@%s" % (name, domain))] + list(more))
    return dn


def mail(scene, address, map_name="virtual"):
    done = scene.cached.ctl("lookup", "mail", map_name, address)
    return done.returncode, sorted(done.stdout.strip().split(",")) if done.returncode == 0 else []


ALIAS = (0, ["ada@far.example", "ada@tern.example"])


def environment(scene, name="mail"):
    return scene.status()["environments"][name]


def follows(t, box):
    scene = stage.Stage(box, some_tree())
    t.same(mail(scene, "Ada.Ames@tern.example"), ALIAS, "an alias leads to the mailbox and on")
    t.same(mail(scene, "nobody@tern.example")[0], 1, "an address that nobody has is absent")
    dn = add_user(scene.tree, TERN, "bob")
    scene.push()
    scene.settle()
    t.same(mail(scene, "bob@tern.example", "mailbox")[0], 0, "who comes has mail")
    scene.tree.remove(dn)
    scene.push()
    scene.settle()
    t.same(mail(scene, "bob@tern.example", "mailbox")[0], 1, "who goes has none")
    status = scene.status()
    # The domain, ada and the alias.
    t.same((status["mail_domains"], status["mail_addresses"]), (1, 2), "they are counted")
    for name in ("dns", "mail"):
        got = status["environments"][name]
        t.ok(got["complete"] and got["queue"] == 0 and got["error"] == "" and got["applied"] == status["sequence"]
             and got["store"]["used"] > 0, name + ": its own status", got)
    for name in ("dns", "mail", None):
        t.same(scene.cached.ctl("rebuild", *([name] if name else [])).returncode, 0, "rebuild %s" % (name or "all"))
    done = scene.cached.ctl("rebuild", "post")
    t.ok(done.returncode != 0 and "dns mail" in done.stderr, "another name is refused", done.stderr)
    done = scene.cached.ctl("verify")
    t.ok(done.returncode == 0 and "0 DNS records differ, 0 mail records differ" in done.stdout, "verify compares both", done.stdout)
    metrics = scene.cached.ctl("metrics").stdout
    for line in ("ispman_mail_addresses{", "ispman_mail_domains{", 'environment="mail"', 'environment="dns"'):
        t.ok(line in metrics, "metrics: " + line, metrics)
    box.release(scene.named, scene.cached, scene.slapd)


def upgrade(t, box):
    """A directory/ that lacks what mail needs, and no mail/."""
    scene = stage.Stage(box, some_tree(), settings={"profile": dict(WITHOUT_MAIL)})
    t.same(mail(scene, "ada@tern.example", "mailbox")[0], 1, "as it was: no mail is known")
    scene.cached.stop()
    shutil.rmtree(os.path.join(scene.cached.cache_dir, "mail"))
    scene.disconnect()
    scene.slapd.stop()
    del scene.cached.settings["profile"]
    scene.cached.write_conf()
    scene.cached.start(wait=False)
    servers.wait_until(lambda: scene.cached.ctl("status").returncode in (0, 1), "ispman-cached", 20)
    t.same(scene.cached.ctl("wait", "--timeout", "1").returncode, 1, "LDAP is away: not synchronised")
    t.same(scene.answers("www." + TERN, "A"), ("NOERROR", ["A 192.0.2.1"]), "dns/ goes on")
    for address in ("ada@tern.example", "nobody@tern.example"):
        t.same(mail(scene, address)[0], 3, address + ": cannot tell, since nothing of mail has come yet")
    got = scene.status()
    t.ok(got["environments"]["dns"]["complete"] and not got["environments"]["mail"]["complete"] and not got["complete"],
         "the status says so", got["environments"])
    told = scene.cached.ctl("status").stdout
    t.ok("mail servers cannot tell" in told and "name servers cannot tell" not in told, "in words too", told)
    seen = []
    scene.slapd.start()

    def arrived():
        seen.append(mail(scene, "ada.ames@tern.example"))
        return seen[-1][0] == 0

    servers.wait_until(arrived, "mail", 60, pause=0)
    t.same([one for one in seen if one not in ((3, []), ALIAS)], [], "until all has come it cannot tell; then it is there")
    scene.cached.wait()
    t.same(scene.cached.ctl("verify").returncode, 0, "all is as if loaded from nothing")
    t.ok("; 0 fragments differed" in scene.cached.ctl("rebuild").stdout, "every fragment is derived")

    # The other way: names that the directory does not have, while mail is served.
    scene.cached.stop()
    scene.disconnect()
    scene.slapd.stop()
    scene.cached.settings["profile"] = dict(WITHOUT_MAIL)
    scene.cached.write_conf()
    scene.cached.start(wait=False)
    servers.wait_until(lambda: scene.cached.ctl("status").returncode in (0, 1), "ispman-cached", 20)
    t.same(scene.cached.ctl("wait", "--timeout", "1").returncode, 1, "other names: not synchronised")
    t.same(mail(scene, "ada.ames@tern.example"), ALIAS, "what was known is served until the directory was asked by them")
    scene.slapd.start()
    scene.cached.wait()
    t.same(mail(scene, "ada.ames@tern.example")[0], 1, "and then no more")
    box.release(scene.named, scene.cached, scene.slapd)


def locked(t, box):
    """A reader of mail/ that was taken over holds its writer's lock."""
    scene = stage.Stage(box, some_tree())
    folder = os.path.join(scene.cached.cache_dir, "mail", "2")
    reader = subprocess.Popen([servers.built("tests/integration/cache_watch"), "lock", folder], stdout=subprocess.PIPE,
                              text=True, preexec_fn=servers._die_with_parent)
    t.same(reader.stdout.readline().strip(), "locked", "mail/ is locked")
    dn = "uid=ada,ou=users," + stage.domain_dn(TERN)
    www = [there.decode() for there, _ in scene.tree.entries.values() if there.startswith(b"relativeDomainName=www,")][0]
    slowest = 0.0
    i = 0
    while i % 25 or environment(scene)["queue"] <= QUEUE:
        i += 1
        scene.ldap.modify(dn, replace={"mailForwardingAddress": ["ada%d@far.example" % i]})
        if i % 25 == 0:
            value = "192.0.2.%d" % (i % 250 + 1)
            scene.ldap.modify(www, replace={"aRecord": [value]})
            began = time.monotonic()
            servers.wait_until(lambda: scene.answers("www." + TERN, "A") == ("NOERROR", ["A " + value]), value, 20, pause=0.002)
            slowest = max(slowest, time.monotonic() - began)
    t.ok(slowest < 2, "%d changes of mail do not hold up those of DNS (%.3f s at most)" % (i, slowest))
    t.same(mail(scene, "ada.ames@tern.example"), ALIAS, "mail goes where it went")
    servers.wait_until(lambda: environment(scene)["stuck"] >= 10, "the status to say that it is stuck", 30, pause=0.2)
    got = scene.status()
    t.ok(got["environments"]["mail"]["queue"] > QUEUE and got["environments"]["dns"]["queue"] == 0 and
         got["environments"]["dns"]["stuck"] == 0 and not got["synchronised"], "the status tells which", got["environments"])
    t.ok("one write to the mail data has been under way" in scene.cached.ctl("status").stdout, "in words too")
    scene.cached.wait_log("a change of mail/ does not come to its end")
    done = scene.cached.ctl("lookup", "--json", "dns", "www." + TERN, "A")
    t.same(done.returncode, 0, "DNS is as fresh as ever")
    reader.kill()
    reader.wait()
    scene.settle()
    t.same(mail(scene, "ada.ames@tern.example"), (0, ["ada%d@far.example" % i, "ada@tern.example"]),
           "the lock is gone: mail catches up")
    scene.cached.wait_log("mail/ is written again")
    t.same(scene.cached.ctl("verify").returncode, 0, "nothing was lost")
    box.release(scene.named, scene.cached, scene.slapd)


def brake(t, box):
    """The bind DN loses the right to read users."""
    tree = some_tree(users=40)
    reader = stage.Reader(tree)
    scene = stage.Stage(box, tree, settings=reader.settings(box), named=False, extra_database=reader.access)
    t.same(mail(scene, "u7@tern.example", "mailbox")[0], 0, "forty users")
    scene.cached.stop()
    # Something to compare.
    scene.ldap.modify(stage.node_dn(TERN), replace={"ou": ["change"]})
    hidden = 'access to dn.subtree="ou=users,%s" by * none\n' % stage.domain_dn(TERN)
    scene.disconnect()
    scene.slapd.stop()
    with open(scene.slapd.conf_path) as f:
        conf = f.read()
    with open(scene.slapd.conf_path, "w") as f:
        f.write(conf.replace(reader.access, hidden + reader.access))
    scene.slapd.start()
    scene.cached.start(wait=False)
    servers.wait_until(lambda: (scene.status() or {}).get("brake"), "the brake", 30)
    got = scene.status()["brake"]
    # With ada's alias.
    t.same((got["addresses"], got["addresses_total"], got["mail_domains"], got["zones"]), (42, 42, 0, 0), "the brake holds addresses")
    t.same(mail(scene, "u7@tern.example", "mailbox")[0], 0, "nothing is refused")
    t.ok("42 of 42 addresses" in scene.cached.ctl("status").stdout, "in words", scene.cached.ctl("status").stdout)
    t.same(scene.cached.ctl("release-brake").returncode, 0, "let go")
    servers.wait_until(lambda: mail(scene, "u7@tern.example", "mailbox")[0] == 1, "they go", 20)
    box.release(scene.cached, scene.slapd)


if __name__ == "__main__":
    stage.main("ops_mail", [follows, upgrade, locked, brake])

