# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""slapd, ispman-cached and named with the module around one tree, for the tests of operation.

    with servers.Sandbox("x") as box:
        stage = Stage(box, tree)
        stage.tree.record("tern.example", "www", "A", "192.0.2.7")
        stage.push()                       # the difference goes to slapd, entry by entry
        stage.settle()                     # ispmanctl wait
        stage.answers("www.tern.example", "A")

push() keeps the tree and the directory alike; what is to be renamed is renamed by stage.rename().
"""

import json
import os
import re
import sys
import traceback

import dnsclient
import ispman_ldif
import ldapclient
import servers
import tap

SOA = "ns1.isp.example. hostmaster.isp.example. %s 3600 600 604800 300"
SETTINGS = {"dns": {"reverse-prefixes": "192.0.2.0/24 2001:db8::/32"}}
NAMED_OPTIONS = "minimal-responses yes;"


def zone(tree, name, serial=1, soa=None):
    """A primary with SOA, NS and www."""
    tree.domain(name, "primary")
    tree.record(name, "@", "SOA", soa or SOA % serial)
    tree.record(name, "@", "NS", "ns1.isp.example.")
    tree.record(name, "www", "A", "192.0.2.1")


def tree_of(*zones):
    tree = ispman_ldif.Tree()
    tree.setting("catchAllCNAME", "none")
    tree.setting("primaryDNS", "ns1.isp.example")
    tree.setting("dnsMasterEmail", "hostmaster.isp.example")
    for name in zones:
        zone(tree, name)
    return tree


def dn_key(dn):
    return ispman_ldif.dn_key(ispman_ldif.octets(dn))


def is_below(key, top):
    """Whether a DN is, or lies below, another one; both as ispman_ldif.dn_key() has them."""
    return key[len(key) - len(top):] == top


def domain_dn(name, base="o=ispman"):
    return "ispmanDomain=%s,%s" % (name, base)


def node_dn(name, base="o=ispman"):
    """The zone node of a domain."""
    return ",".join("dc=" + label for label in name.split(".")) + ",ou=DNS," + base


def serial_distance(old, new):
    """How far NEW is after OLD (RFC 1982), negative when it is before."""
    distance = (new - old) & 0xFFFFFFFF
    return distance if distance < 1 << 31 else distance - (1 << 32)


class Reader:
    """Who ispman-cached binds as when that is not the manager: an entry of TREE with a password."""

    dn = "cn=reader,o=ispman"
    password = "copper-kettle"
    access = 'access to * by dn.exact="%s" read by anonymous auth by * none\n' % dn + \
        'limits dn.exact="%s" size=unlimited time=unlimited\n' % dn

    def __init__(self, tree):
        tree.add(self.dn, [("objectClass", "organizationalRole"), ("objectClass", "simpleSecurityObject"),
                           ("cn", "reader"), ("userPassword", self.password)])

    def settings(self, box):
        secret = box.write("reader-password", self.password + "\n")
        os.chmod(secret, 0o600)
        return {"ldap": {"bind-dn": self.dn, "bind-password-file": secret}}


class Stage:
    def __init__(self, box, tree, settings=None, named=True, start=True, **slapd_options):
        self.box, self.tree = box, tree
        # slapadd does not know the version line.
        path = box.write("tree.ldif", tree.octets().replace(b"version: 1\n", b"", 1))
        self.slapd = box.slapd(ldif=path, **slapd_options)
        self.settings = {section: dict(values) for section, values in SETTINGS.items()}
        for section, values in (settings or {}).items():
            self.settings.setdefault(section, {}).update(values)
        self._ldap = None
        self.known = dict(self._entries())
        self.cached = box.cached(slapd=self.slapd, settings=self.settings, start=start)
        self.named = None
        if named:
            self.named = self.new_named()

    def new_named(self, arguments="", **options):
        return self.box.named(dlz=self.cached, options=NAMED_OPTIONS, **options,
                              dlz_arguments="allow-transfer=127.0.0.1 run-dir=%s %s" % (
                                  self.cached.run_dir, arguments))

    # --- the directory ------------------------------------------------------------------------

    @property
    def ldap(self):
        if self._ldap is None:
            self._ldap = ldapclient.Connection(self.slapd.port, self.slapd.manager, self.slapd.password)
        return self._ldap

    def disconnect(self):
        """Before slapd stops."""
        if self._ldap is not None:
            self._ldap.close()
        self._ldap = None

    def _entries(self):
        for key, (dn, attributes) in self.tree.entries.items():
            yield key, (dn, [(name, ispman_ldif.octets(value)) for name, value in attributes])

    def push(self):
        """What differs between the tree and the directory: removals first. Returns the number of changes."""
        want = dict(self._entries())
        count = 0
        for key in sorted((k for k in self.known if k not in want), key=len, reverse=True):
            self.ldap.delete(self.known[key][0])
            count += 1
        for key, (dn, attributes) in want.items():
            if key not in self.known:
                self.ldap.add(dn, attributes)
            elif sorted(self.known[key][1]) != sorted(attributes):
                self.ldap.modify(dn, replace=self._difference(self.known[key][1], attributes))
            else:
                continue
            count += 1
        self.known = want
        return count

    @staticmethod
    def _difference(old, new):
        old, new = ldapclient.grouped(old), ldapclient.grouped(new)
        return {name: new.get(name, []) for name in list(old) + list(new) if old.get(name) != new.get(name)}

    def reread(self):
        """After a change that the directory refused: the tree becomes what the directory has."""
        self.tree.entries = {key: (dn, list(attributes)) for key, (dn, attributes) in self.known.items()}

    def rename(self, dn, rdn, below=None):
        """A subtree elsewhere, in the directory and in the tree."""
        dn, rdn = ispman_ldif.octets(dn), ispman_ldif.octets(rdn)
        self.ldap.rename(dn, rdn, below)
        old = ispman_ldif.dn_key(dn)
        parent = ispman_ldif.octets(below) if below is not None else self.known[old][0].split(b",", 1)[1]
        target = rdn + b"," + parent
        entries, self.tree.entries = self.tree.entries, {}
        for key, (there, attributes) in entries.items():
            if key == old:
                name, value = rdn.split(b"=", 1)
                attributes = [(n, v) for n, v in attributes if ispman_ldif.octets(n).lower() != name.lower()]
                attributes.append((name.decode(), value))
                there = target
            elif is_below(key, old):
                above = [m.start() for m in re.finditer(rb"(?<!\\),", there)]
                there = there[:above[len(key) - len(old) - 1] + 1] + target
            self.tree.entries[ispman_ldif.dn_key(there)] = (there, attributes)
        self.known = dict(self._entries())

    def set_value(self, dn, attribute, value):
        """Replaces ATTRIBUTE of an entry in the tree; None removes it."""
        _, attributes = self.tree.entries[ispman_ldif.dn_key(ispman_ldif.octets(dn))]
        attributes[:] = [(n, v) for n, v in attributes if n.lower() != attribute.lower()]
        if value is not None:
            attributes.append((attribute, value))

    def remove(self, dn):
        """An entry with all below it, from the tree."""
        key = ispman_ldif.dn_key(ispman_ldif.octets(dn))
        for there in [k for k in self.tree.entries if is_below(k, key)]:
            del self.tree.entries[there]

    def remove_soa(self, name):
        """As ISPMan's tools do: the SOA's entry and the branch for its value."""
        self.remove("ou=sOARecord," + node_dn(name))

    # --- the cache ------------------------------------------------------------------------------

    def settle(self, timeout=None, cached=None):
        (cached or self.cached).wait(timeout)

    def status(self, cached=None):
        done = (cached or self.cached).ctl("status", "--json")
        return json.loads(done.stdout)

    def problems(self, cached=None):
        """[(kind, dn)], sorted."""
        done = (cached or self.cached).ctl("problems", "--json")
        return sorted((p["kind"], p["dn"]) for p in json.loads(done.stdout))

    def is_right(self, t, name, cached=None):
        """The cache is what the directory says, as far as ispman-cached itself can tell."""
        cached = cached or self.cached
        verify = cached.ctl("verify", "--json")
        rebuild = cached.ctl("rebuild", "--json")
        t.same((verify.returncode, rebuild.returncode, json.loads(rebuild.stdout or "{}").get("fragments")),
               (0, 0, 0), name + ": verified") or tap.say(verify.stdout + verify.stderr + rebuild.stderr)

    # --- the answers ----------------------------------------------------------------------------

    def ask(self, name, rrtype, named=None):
        return (named or self.named).query(name, rrtype)

    def answers(self, name, rrtype, named=None):
        """(rcode, answers without owner and TTL)."""
        got = self.ask(name, rrtype, named)
        return got.rcode, got.answers()

    def serial(self, name, named=None):
        got = self.ask(name, "SOA", named)
        for record in got.answer:
            if record.type == 6:
                return int.from_bytes(record.rdata[-20:-16], "big")
        raise AssertionError("no SOA of %s: %s" % (name, got))

    def transfer(self, name, named=None):
        """The whole zone as sorted text, without the SOA."""
        rcode, records = dnsclient.axfr((named or self.named).address, name)
        return rcode, sorted(repr(r) for r in records if r.type != 6)


def main(name, tests):
    run(name, tests, servers.missing("slapd", "named", "cached", "ispmanctl", "module"))


def run(name, tests, why):
    """Runs each of TESTS with a sandbox of its own; those named as arguments, if any are. WHY not, or None."""
    if why:
        tap.skip_all(why)
    t = tap.Tap()
    wanted = sys.argv[1:]
    for test in tests:
        if wanted and test.__name__ not in wanted:
            continue
        try:
            with servers.Sandbox(name) as box:
                test(t, box)
        except Exception:
            t.ok(False, test.__name__ + " came to its end", traceback.format_exc())
    sys.exit(t.done())
