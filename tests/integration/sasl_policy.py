#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""What slapd's ppolicy writes down, and what admins write in its attributes: it reaches the cache as it is written, and decides the next
login; with passwords kept here, and with passwords that only the directory knows."""

import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import authstage  # noqa: E402
import ldapclient  # noqa: E402
import mailstage  # noqa: E402
import servers    # noqa: E402

ADA = "uid=ada_tern_example,ou=users,ispmanDomain=tern.example,o=ispman"
POLICY = "cn=default,o=ispman"
OVERLAY = "overlay ppolicy\nppolicy_default %s\n" % POLICY


def written(seconds_from_now):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + seconds_from_now))


def tree():
    out = mailstage.sample()
    out.add(POLICY, [("objectClass", "device"), ("objectClass", "pwdPolicy"), ("cn", "default"),
                     ("pwdAttribute", "userPassword"), ("pwdLockout", "TRUE"), ("pwdMaxFailure", "3")])
    return out


def asked(stage, want):
    """The answer for ada's right password once it is WANT, or what it is instead."""
    got = []

    def is_so():
        got[:] = [stage.ask("ada@tern.example", "adapw")]
        return got == [want]

    try:
        servers.wait_until(is_so, want, 10)
    except TimeoutError:
        pass
    return got[0]


def bind_fails(stage, times):
    """At the directory, with a wrong password."""
    for _ in range(times):
        try:
            ldapclient.Connection(stage.directory.slapd.port, ADA, "wrong").close()
        except Exception:  # as it should
            pass


def decides(t, box, **login):
    stage = authstage.AuthStage(box, tree(), slapd=True, settings=dict(authstage.UNTHROTTLED, login=login),
                                extra_global="moduleload ppolicy", extra_database=OVERLAY)
    ldap = stage.directory.ldap
    t.same(asked(stage, "OK"), "OK", "the right password is taken")
    for name, refused, allowed in (("pwdAccountLockedTime", "000001010000Z", None), ("pwdEndTime", written(-3600), written(3600)),
                                   ("pwdStartTime", written(3600), written(-3600))):
        ldap.modify(ADA, replace={name: [refused]})
        t.same(asked(stage, "NO"), "NO", "%s: %s" % (name, "locked" if allowed is None else refused))
        ldap.modify(ADA, replace={name: [allowed] if allowed else []})
        t.same(asked(stage, "OK"), "OK", "%s: %s" % (name, allowed or "unlocked"))
    bind_fails(stage, 4)
    t.same(asked(stage, "NO"), "NO", "slapd has locked the account after wrong passwords, and here it is locked")
    ldap.modify(ADA, replace={"pwdAccountLockedTime": []})
    t.same(asked(stage, "OK"), "OK", "an admin unlocks it")
    t.same(stage.cached.ctl("verify").returncode, 0, "the cache has what the directory has")


def kept_here(t, box):
    decides(t, box, verify="hash")


def kept_there(t, box):
    decides(t, box, verify="bind")


if not os.path.exists(servers.SLAPD_MODULES + "/ppolicy.so"):
    print("1..0 # SKIP slapd has no ppolicy")
    sys.exit(0)
authstage.main("sasl-policy", (kept_here, kept_there), ("slapd",))
