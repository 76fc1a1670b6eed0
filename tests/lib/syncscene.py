# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""A small tree in a slapd, and a reader with a password who may follow it: for the sync_*.py tests."""

import os
import sys

import servers
import syncprobe
import tap

BASE = "o=ispman"
READER = "cn=reader," + BASE
PASSWORD = "copper-kettle"
ACCESS = 'access to * by dn.exact="%s" read by anonymous auth by * none\n' % READER
LIMITS = 'limits dn.exact="%s" size=unlimited time=unlimited\n' % READER


def ou(*names):
    return ",".join("ou=" + name for name in names) + "," + BASE


def ou_entry(*names):
    return "dn: %s\nobjectClass: organizationalUnit\nou: %s\n\n" % (ou(*names), names[0])


def tree(units=12):
    text = "dn: %s\nobjectClass: organization\no: ispman\n\n" % BASE
    text += "dn: %s\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: reader\n" \
            "userPassword: %s\n\n" % (READER, PASSWORD)
    for i in range(units):
        text += ou_entry("unit%d" % i)
    return text + ou_entry("leaf", "unit0") + ou_entry("deep", "leaf", "unit0")


def describe(slapd, name, text):
    slapd.modify("dn: %s\nchangetype: modify\nreplace: description\ndescription: %s\n" % (name, text))


def rename(slapd, name, rdn):
    slapd.modify("dn: %s\nchangetype: modrdn\nnewrdn: %s\ndeleteoldrdn: 1\n" % (name, rdn))


class Scene:
    """A slapd, and what the reader needs to follow it."""

    def __init__(self, box, access=ACCESS + LIMITS, ldif=None, **options):
        self.box = box
        self.slapd = box.slapd(ldif=ldif or box.write("tree.ldif", tree()), base=BASE,
                               extra_database=access, **options)
        self.password = box.write("password", PASSWORD + "\n")
        os.chmod(self.password, 0o600)

    def options(self, **changes):
        known = dict(uri=self.slapd.uri, base=BASE, bind_dn=READER,
                     bind_password_file=self.password, timeout=5)
        known.update(changes)
        return {key: value for key, value in known.items() if value is not None}

    def probe(self, **changes):
        return syncprobe.Probe(self.box, **self.options(**changes))

    def reconfigure(self, old, new):
        """Restarts slapd with OLD replaced by NEW in its configuration."""
        self.slapd.stop()
        with open(self.slapd.conf_path) as f:
            text = f.read()
        if old not in text:
            raise ValueError("%r is not in slapd.conf" % old)
        with open(self.slapd.conf_path, "w") as f:
            f.write(text.replace(old, new))
        self.slapd.start()


def main(tests):
    why = servers.missing("slapd")
    if why is None and not servers.built(syncprobe.PROGRAM):
        why = "sync_probe is not built"
    if why:
        tap.skip_all(why)
    t = tap.Tap()
    wanted = sys.argv[1:]
    for test in tests:
        if wanted and test.__name__ not in wanted:
            continue
        with servers.Sandbox("sync") as box:
            test(t, box)
    sys.exit(t.done())
