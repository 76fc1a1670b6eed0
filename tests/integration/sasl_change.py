#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""What an admin changes holds for the next login: passwords, suspensions, deletions; how soon is measured. What only looks like a change
(the right to read passwords was lost) makes no right password wrong; and a login that is deleted and given to somebody else is never
half the one and half the other.

AUTH_CHANGES=1000 measures more changes. TMPDIR=/dev/shm measures them without the part that a busy disk has in each of them."""

import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import authstage  # noqa: E402
import ldapclient  # noqa: E402
import mailstage  # noqa: E402
import mux        # noqa: E402
import servers    # noqa: E402
import stage as operation  # noqa: E402
import tap        # noqa: E402

CHANGES = int(os.environ.get("AUTH_CHANGES", "100"))
TERN = "ispmanDomain=tern.example,o=ispman"
ADA = b"uid=ada_tern_example,ou=users,ispmanDomain=tern.example,o=ispman"
BOB = b"uid=bob_berg_tern_example,ou=users,ispmanDomain=tern.example,o=ispman"


def until(ask, want):
    """Asks until it is WANT: (milliseconds, answers in between that are neither)."""
    began, odd = time.monotonic(), []
    deadline = began + servers.DEADLINE
    other = {"OK": "NO", "NO": "OK"}[want]
    while True:
        got = ask()
        if got == want:
            return (time.monotonic() - began) * 1000, odd
        if got != other:
            odd.append(got)
        if time.monotonic() > deadline:
            raise TimeoutError("waited too long for %s" % want)


def told(what, times):
    times.sort()
    tap.say("%s: %.1f ms (p50), %.1f ms (p99), %.1f ms at most, of %d" % (
        what, times[len(times) // 2], times[len(times) * 99 // 100], times[-1], len(times)))


def next_login(t, box):
    stage = authstage.AuthStage(box, mailstage.sample(), slapd=True, settings=authstage.UNTHROTTLED)
    ldap = stage.directory.ldap
    odd, times, wrong = [], {"a new password": [], "a suspension": [], "a deletion": []}, []

    def seen(what, ask, want):
        took, strange = until(ask, want)
        times[what].append(took)
        odd.extend(strange)

    def ada(password):
        return mux.ask(stage.path, "ada", password, "imap", "tern.example")

    password = "adapw"
    for i in range(CHANGES):
        old, password = password, "secret-%d" % i
        ldap.modify(ADA, replace={"userPassword": [authstage.ssha(password)]})
        seen("a new password", lambda: ada(old), "NO")
        if ada(password) != "OK" or ada(old) != "NO":
            wrong.append("after password %d" % i)
    t.same((wrong, odd), ([], []), "a new password holds from the next login on, and the old one does not")
    for i in range(CHANGES // 2):
        ldap.modify(ADA, replace={"ispmanStatus": ["suspended"]})
        seen("a suspension", lambda: ada(password), "NO")
        ldap.modify(ADA, replace={"ispmanStatus": ["active"]})
        seen("a suspension", lambda: ada(password), "OK")
    t.same(odd, [], "suspended and active again")
    entry = [(name, value) for dn, attributes in stage.tree.entries.values() if dn.lower() == BOB.lower() for name, value in attributes]
    for i in range(CHANGES // 2):
        ldap.delete(BOB)
        seen("a deletion", lambda: stage.ask("bob.berg@tern.example", "bobpw"), "NO")
        ldap.add(BOB, entry)
        seen("a deletion", lambda: stage.ask("bob.berg@tern.example", "bobpw"), "OK")
    t.same(odd, [], "deleted and added again")
    for what, took in times.items():
        told("from slapd's reply until %s holds" % what, took)
    secrets = ["secret-%d" % i for i in range(CHANGES)] + list(authstage.stored_values(stage.tree))
    t.same(stage.leaks(secrets), [], "no password and no stored value is in any log")


def programs(t, box):
    """The same through Postfix and Cyrus."""
    stage = authstage.AuthStage(box, mailstage.sample(), slapd=True)
    mta, store, ldap = stage.postfix(), stage.cyrus("userid"), stage.directory.ldap

    def answers(login, *passwords):
        with mta.session() as smtp:
            return [(smtp.login(login, p)[0], store.imap(login, p) == "OK", store.pop(login, p) == "OK") for p in passwords]

    yes, no = (235, True, True), (535, False, False)
    t.same(answers("ada@tern.example", "adapw"), [yes], "before")
    ldap.modify(ADA, replace={"userPassword": [authstage.ssha("another")]})
    stage.cached.wait()
    t.same(answers("ada@tern.example", "adapw", "another"), [no, yes], "Postfix and Cyrus: a new password")
    ldap.modify(ADA, replace={"ispmanStatus": ["suspended"]})
    stage.cached.wait()
    t.same(answers("ada@tern.example", "another"), [no], "Postfix and Cyrus: suspended")
    t.same(answers("bob.berg@tern.example", "bobpw"), [yes], "another one before")
    ldap.delete(BOB)
    stage.cached.wait()
    t.same(answers("bob.berg@tern.example", "bobpw"), [no], "Postfix and Cyrus: deleted")


def locked_by_policy(t, box):
    """What slapd's password policy says of an account is an operational attribute: it is asked for by name."""
    stage = authstage.AuthStage(box, mailstage.sample(), slapd=True, settings=authstage.UNTHROTTLED, extra_global="moduleload ppolicy",
                                overlays="overlay ppolicy")
    ldap = stage.directory.ldap

    def after(what, want, **change):
        ldap.modify(ADA, **change)
        stage.cached.wait()
        t.same(stage.ask("ada@tern.example", "adapw"), want, "password policy: " + what)

    after("locked", "NO", replace={"pwdAccountLockedTime": ["000001010000Z"]})
    after("unlocked", "OK", delete={"pwdAccountLockedTime": []})
    stage.saslauthd.stop()
    stage.cached.kill()
    ldap.modify(ADA, replace={"pwdAccountLockedTime": ["000001010000Z"]})
    stage.cached.start()
    stage.saslauthd.start()
    t.same(stage.ask("ada@tern.example", "adapw"), "NO", "password policy: locked while nobody looked")


RIGHT = """access to attrs=userPassword by dn.exact="%s" %s by anonymous auth by * none"""
REST = """access to * by dn.exact="%s" read by anonymous auth by * none"""


def lost_right(t, box):
    """The reader may no longer read userPassword. slapd says nothing of that: entries come without it, one by one, as if the
    password had been removed."""
    tree = mailstage.sample()
    reader = operation.Reader(tree)
    access = "\n".join((RIGHT % (reader.dn, "read"), REST % reader.dn, 'limits dn.exact="%s" size=unlimited time=unlimited' % reader.dn))
    stage = authstage.AuthStage(box, tree, slapd=True, settings=dict(authstage.UNTHROTTLED, **reader.settings(box)),
                                extra_global='database config\nrootdn "cn=config"\nrootpw config-secret', extra_database=access)
    config = ldapclient.Connection(stage.directory.slapd.port, "cn=config", "config-secret")
    rows = (("ada@tern.example", "adapw"), ("bob.berg@tern.example", "bobpw"), ("cyrus", "cyruspw"))

    def judge(what, allowed):
        right = [stage.ask(*row) for row in rows]
        wrong = [stage.ask(login, "wrong") for login, _ in rows]
        t.ok(all(got in allowed for got in right) and "OK" not in wrong,
             "%s: %s, with a wrong password %s" % (what, " ".join(map(str, right)), " ".join(map(str, wrong))))
        return right, wrong

    def rights(how):
        config.modify("olcDatabase={1}mdb,cn=config", replace={"olcAccess": [
            "{0}" + (RIGHT % (reader.dn, how)).split(" ", 1)[1], "{1}" + (REST % reader.dn).split(" ", 1)[1]]})

    def touch(text, *dns):
        for dn in dns:
            stage.directory.ldap.modify(dn, replace={"loginShell": [text]} if b"uid=" in dn else {"cn": [text]})
        stage.cached.wait()

    everybody = [dn for dn, attributes in stage.tree.entries.values()
                 if any(name == "objectClass" and value in (b"ispmanDomainUser", "ispmanDomainUser") for name, value in attributes)]
    judge("with the right", ("OK",))
    rights("auth")
    judge("the right is withdrawn", ("OK",))
    touch("/bin/one", ADA)
    judge("and one entry changes", ("OK", None))
    touch("/bin/two", *everybody)
    judge("and all users do", ("OK", None))
    stage.directory.ldap.modify("uid=cyrus,ou=admins,o=ispman", replace={"cn": ["changed"]})
    stage.cached.wait()
    judge("and staff too", ("OK", None))
    stage.cached.kill()
    stage.saslauthd.kill()
    stage.cached.start()
    stage.saslauthd.start(wait=False)
    judge("and everything starts again", ("OK", None))
    # Somebody who never had the right.
    other = box.cached(slapd=stage.directory.slapd, name="blind", settings=dict(
        reader.settings(box), saslauth={"listen": "unix:%s,mode=0666" % box.path("blind-mux")}))
    blind = authstage.Saslauthd(box, other.conf_path, [box.path("blind-mux")])
    blind.start(wait=False)
    t.same([mux.ask_as_libsasl(box.path("blind-mux"), login, p) for login, right in rows for p in (right, "wrong")], [None] * 6,
           "a cache that never read a password says nothing")
    status = other.ctl("status").stdout + other.ctl("problems").stdout
    t.ok("userPassword" in status or "password" in status, "and status or problems say why", status)
    rights("read")
    touch("/bin/three", *everybody)
    stage.directory.ldap.modify("uid=cyrus,ou=admins,o=ispman", replace={"cn": ["again"]})
    stage.cached.wait()
    right, wrong = judge("the right is back, and the entries change", ("OK",))
    t.same(wrong, ["NO"] * 3, "and wrong ones are wrong again")
    config.close()


def never_a_mixture(t, box):
    """One login, again and again of somebody else, while many ask."""
    stage = authstage.AuthStage(box, mailstage.sample(), slapd=True, settings=authstage.UNTHROTTLED)
    ldap = stage.directory.ldap
    state = {"turn": 0, "seen": -1}

    def dan(turn):
        dn, attributes = mailstage.ispman_ldif.octets("uid=dan_tern_example,ou=users," + TERN), [
            ("objectClass", "posixAccount"), ("objectClass", "ispmanDomainUser"), ("uid", "dan_tern_example"), ("uid", "dan@tern.example"),
            ("ispmanDomain", "tern.example"), ("cn", "dan"), ("sn", "dan"), ("uidNumber", "%d" % (40000 + turn)), ("gidNumber", "10001"),
            ("homeDirectory", "/var/www/dan%d" % turn), ("mailHost", "mail1.isp.example"), ("mailLocalAddress", "dan@tern.example"),
            ("userPassword", authstage.ssha("secret-%d" % turn)), ("ispmanStatus", "active")]
        return dn, attributes

    ldap.add(*dan(0))
    stage.cached.wait()

    def ask(number, _):
        # From the newest that has been seen; whoever came before has no right password any more.
        seen = state["seen"]
        newest = state["turn"]
        for turn in range(max(0, seen - 2), newest + 1):
            got = mux.ask(stage.path, "dan", "secret-%d" % turn, "imap", "tern.example")
            if got == "OK":
                if turn < seen:
                    return "the password of owner %d was taken after that of owner %d" % (turn, seen)
                state["seen"] = max(state["seen"], turn)
            elif got is None:
                return "no answer"
        return None

    with authstage.Load(ask, threads=4) as load:
        for turn in range(1, CHANGES // 2 + 1):
            ldap.delete(dan(0)[0])
            state["turn"] = turn
            ldap.add(*dan(turn))
            servers.wait_until(lambda: state["seen"] >= turn or load.wrong, "owner %d to be let in" % turn, pause=0.001)
            if load.wrong:
                break
    load.judge(t, "a login that %d people have had, one after another" % (CHANGES // 2 + 1))
    t.same([mux.ask(stage.path, "dan", "secret-%d" % turn, "imap", "tern.example") for turn in (CHANGES // 2 - 1, CHANGES // 2)],
           ["NO", "OK"], "the last one has it")


authstage.main("sasl-change", (next_login, programs, locked_by_policy, lost_right, never_a_mixture), ("slapd", "postfix", "cyrus"))
