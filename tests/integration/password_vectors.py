#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Passwords as the programs of this machine store them: slappasswd and its modules, mkpasswd, openssl, argon2, doveadm pw.

Each program writes a fresh value for each of its schemes and for several passwords (two where the scheme is slow); the right password is
right, another one is wrong.
Which schemes a program has, it is asked where it can say so.
"""

import glob
import os
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import servers  # noqa: E402
import tap      # noqa: E402

# The longest is beyond what bcrypt reads, and beyond a block of each digest.
PASSWORDS = ["a", "correct horse", "gr\u00fc\u00dfe \u20ac", "{SSHA}x", "12345678901234567890" * 7]
# Dovecot's that need more than the password, or that nothing here can check.
NOT_CHECKED = {"HMAC-MD5", "CRAM-MD5", "DIGEST-MD5", "OTP", "PLAIN", "CLEAR", "CLEARTEXT", "PLAIN-TRUNC", "RPA", "LANMAN", "SKEY"}


def run(words, text=None):
    done = subprocess.run(words, input=text, text=True, capture_output=True, timeout=60)
    if done.returncode != 0:
        raise RuntimeError("%s: %s" % (" ".join(words), done.stderr.strip()))
    return done.stdout.strip().splitlines()[-1]


def find(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def slappasswd(program):
    """Its own schemes, and those of the modules that are installed."""
    yield from ((h, lambda p, h=h: run([program, "-h", h, "-s", p])) for h in ("{SSHA}", "{SHA}", "{SMD5}", "{MD5}"))
    for salt in ("%.2s", "$1$%.8s", "$5$%.16s", "$6$rounds=2000$%.16s"):
        yield "{CRYPT} " + salt, lambda p, s=salt: run([program, "-h", "{CRYPT}", "-c", s, "-s", p])
    modules = {
        "pw-sha2": ["{%sSHA%d}" % (s, n) for s in ("", "S") for n in (256, 384, 512)],
        "pw-pbkdf2": ["{PBKDF2}", "{PBKDF2-SHA1}", "{PBKDF2-SHA256}", "{PBKDF2-SHA512}"],
        "argon2": ["{ARGON2}"],
    }
    for module, schemes in modules.items():
        found = glob.glob("/usr/lib*/ldap/%s.so" % module) + glob.glob("/usr/lib*/*/ldap/%s.so" % module)
        for h in schemes if found else ():
            yield h, lambda p, h=h, m=module, f=found: run([program, "-o", "module-path=" + os.path.dirname(f[0]),
                                                          "-o", "module-load=" + m, "-h", h, "-s", p])


def mkpasswd(program):
    listed = subprocess.run([program, "-m", "help"], text=True, capture_output=True).stdout.splitlines()[1:]
    for method in (line.split()[0] for line in listed):
        # As octets: what this method makes of anything but ASCII is its own.
        yield method, lambda p, m=method: "{CRYPT}" + run([program, "-m", m, "-s"], p + "\n")


def openssl(program):
    for option in ("-1", "-5", "-6"):
        yield option, lambda p, o=option: "{CRYPT}" + run([program, "passwd", o, "-stdin"], p + "\n")


def argon2(program):
    for option in ("-i", "-d", "-id"):
        for lanes in ("1", "3"):
            yield option + " p=" + lanes, lambda p, o=option, n=lanes: "{ARGON2}" + run(
                [program, "somesalt12", o, "-t", "2", "-k", "512", "-p", n, "-e"], p)


def doveadm(program):
    listed = subprocess.run([program, "pw", "-l"], text=True, capture_output=True).stdout.split()
    schemes = [s for s in listed if s.isupper() and s not in NOT_CHECKED]
    for scheme in schemes + ["SSHA.HEX", "SSHA512.B64", "SMD5.HEX", "SHA512-CRYPT.B64", "SHA256.HEX"]:
        yield scheme, lambda p, s=scheme: run([program, "-O", "pw", "-s", s, "-p", p])


WRITERS = {"slappasswd": slappasswd, "mkpasswd": mkpasswd, "openssl": openssl, "argon2": argon2, "doveadm": doveadm}


class Checker:
    def __init__(self):
        self.process = subprocess.Popen([servers.built("tests/integration/password_check")], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def ask(self, password, stored):
        self.process.stdin.write(("%s\t%s\n" % (password, stored)).encode())
        self.process.stdin.flush()
        return self.process.stdout.readline().decode().strip()


def is_cut(scheme, stored, password):
    """Whether the scheme reads less of a password than there is: then a longer one is right, too."""
    des = "CRYPT des" in scheme and len(stored.partition("}")[2]) == 13
    return des and len(password.encode()) >= 8 or "bcrypt" in scheme and len(password.encode()) >= 72


def check(t, checker, name, write):
    problems = []
    begin = time.monotonic()
    for n, password in enumerate(PASSWORDS):
        if n >= 2 and time.monotonic() - begin > 1:
            break
        try:
            stored = write(password)
        except RuntimeError as e:
            # Some refuse what is not ASCII, or too long; none refuses the plainest.
            if password == PASSWORDS[1]:
                problems.append(str(e))
            continue
        kind, scheme, verdict = checker.ask(password, stored).split(", ")
        if scheme == "CRYPT nt" and not password.isascii():
            continue
        if (kind, verdict) != ("verifiable", "right"):
            problems.append("%r, %s: %s, %s, %s" % (password, stored, kind, scheme, verdict))
        for wrong in ("x" + password, password.swapcase() + "!", stored, stored.partition("}")[2]):
            if not (is_cut(scheme, stored, password) and wrong.startswith(password)):
                answer = checker.ask(wrong, stored)
                if not answer.endswith("wrong"):
                    problems.append("%r for %r, %s: %s" % (wrong, password, stored, answer))
    t.ok(not problems, name, "\n".join(problems))


def main():
    t = tap.Tap()
    checker = Checker()
    for name, schemes in WRITERS.items():
        program = find(name)
        if program is None:
            t.skip(name, "it is not installed")
            continue
        for scheme, write in schemes(program):
            check(t, checker, "%s %s" % (name, scheme), write)
    checker.process.stdin.close()
    t.same(checker.process.wait(), 0, "the checker ends well")
    return t.done()


sys.exit(main())
