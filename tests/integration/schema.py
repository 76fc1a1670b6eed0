#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""The schema files and the slapd configuration that we ship do load, and do what they say.

Both forms of each schema say the same; they load into OpenLDAP beside everything that Debian ships;
ISPMan's own tree and our example tree fit them, record types of ours included; the example
configurations give the reader every entry, more than 500 of them, and no password."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import servers  # noqa: E402
import tap      # noqa: E402

DOCS = os.path.join(servers.SRCDIR, "docs")
SCHEMA_DIR = os.path.join(DOCS, "schema")
OURS = ("dnszone", "ispman-dns-types", "pureftpd", "radius", "ispman", "ispman-mail")
# Debian's, in an order that loads; pmi and dsee need nothing of the others.
DEBIANS = ("core", "cosine", "nis", "misc", "inetorgperson", "collective", "corba", "duaconf",
           "dyngroup", "java", "openldap")
READER = "uid=ispman-cached,ou=admins,o=ispman"
READER_PASSWORD = "copper-kettle"
MANY = 700


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def schema_definitions(text):
    """attributetype and objectclass statements of slapd.conf's form, blanks squeezed."""
    text = re.sub(r"^#.*\n", "", text, flags=re.M)
    found = re.findall(r"^(attributetype|objectclass)\s+(\(.*?\s\))\n(?=\n|\Z)", text, re.M | re.S)
    return [(kind, " ".join(body.split())) for kind, body in found]


def ldif_definitions(text):
    """The same of cn=config's form."""
    text = re.sub(r"^#.*\n", "", text, flags=re.M).replace("\n ", "")
    kinds = {"olcAttributeTypes": "attributetype", "olcObjectClasses": "objectclass"}
    return [(kinds[a], " ".join(v.split()))
            for a, v in re.findall(r"^(olcAttributeTypes|olcObjectClasses): (.*)$", text, re.M)]


def names_of(definitions, kind):
    return {re.search(r"NAME '([^']+)'", body).group(1).lower()
            for k, body in definitions if k == kind}


def record_types():
    """(number, attribute in lower case) of every type with a name that the cache reads from an attribute."""
    done = must(run(servers.built("tests/integration/record_attributes")))
    return [(int(line.split()[0]), line.split()[1].lower()) for line in done.splitlines()]


def run(*command, text=None):
    return subprocess.run([servers.find_tool(command[0]) or command[0]] + list(command[1:]),
                          input=text, capture_output=True, text=True)


def must(done):
    if done.returncode:
        raise RuntimeError("%s: status %d\n%s%s" % (done.args, done.returncode, done.stdout, done.stderr))
    return done.stdout


def dns_of(path):
    """DNs of an LDIF file with content or change records."""
    return re.findall(r"^dn: (.*)$", read(path).replace("\n ", ""), re.M)


def localised(text, box, folder):
    """One of our example configurations, with our schema and a folder of the sandbox."""
    text = text.replace("/usr/share/ispman/schema/", SCHEMA_DIR + "/")
    text = text.replace("/etc/ldap/schema/", servers.SYSTEM_SCHEMA_DIR + "/")
    text = text.replace("/usr/lib/ldap", servers.SLAPD_MODULES)
    text = text.replace("/var/lib/ldap", box.path(folder, "db"))
    text = text.replace("/run/slapd/slapd.", box.path(folder, "slapd."))
    return text


class Provider(servers.Server):
    """slapd as an administrator would run it: our example configuration and nothing of the tests."""

    def __init__(self, box, name, arguments):
        self.ldapi = "ldapi://" + box.path(name, "ldapi").replace("/", "%2F")
        self.uri = "ldap://127.0.0.1:%d" % servers.free_port()
        super().__init__(box, name, [servers.find_tool("slapd"), "-d", "0", "-h",
                                     self.uri + " " + self.ldapi] + arguments)
        box.servers.append(self)

    def start(self):
        self.spawn()
        servers.wait_until(lambda: self.as_root("ldapsearch", "-b", "", "-s", "base").returncode == 0,
                           self.name, process=self.process)
        return self

    def as_root(self, tool, *args, text=None):
        return run(tool, "-Q", "-Y", "EXTERNAL", "-H", self.ldapi, *args, text=text)

    def as_dn(self, dn, password, tool, *args, text=None):
        return run(tool, "-x", "-H", self.uri, "-D", dn, "-w", password, *args, text=text)


def check_texts(t):
    for name in OURS:
        ours = schema_definitions(read(os.path.join(SCHEMA_DIR, name + ".schema")))
        config = ldif_definitions(read(os.path.join(SCHEMA_DIR, name + ".ldif")))
        t.ok(ours, "%s.schema has definitions" % name)
        t.same(ours, config, "%s.schema and %s.ldif say the same" % (name, name))

    ours = [d for name in OURS
            for d in schema_definitions(read(os.path.join(SCHEMA_DIR, name + ".schema")))]
    attributes = names_of(ours, "attributetype")
    oids = [re.match(r"\( ([\d.]+) ", body).group(1) for _, body in ours]
    t.same(sorted(o for o in set(oids) if oids.count(o) > 1), [], "no OID is used twice")
    cosine = {"arecord", "mdrecord", "mxrecord", "nsrecord", "soarecord", "cnamerecord"}
    types = record_types()
    t.ok(len(types) > 80, "the cache lists the record types", str(len(types)))
    t.same([a for _, a in types if a not in attributes | cosine], [],
           "every record type that the cache reads has an attribute")
    wrong = []
    for number, attribute in types:
        for kind, body in ours:
            m = re.match(r"\( 1\.3\.6\.1\.4\.1\.2428\.20\.1\.(\d+) NAME '([^']+)'", body)
            if m and m.group(2).lower() == attribute and int(m.group(1)) != number:
                wrong.append(attribute)
    t.same(wrong, [], "the last arc of each is the number of its type")


def check_beside_debians(t, box):
    present = [n for n in DEBIANS
               if os.path.exists(os.path.join(servers.SYSTEM_SCHEMA_DIR, n + ".schema"))]
    conf = box.write("all.conf", "".join(
        "include %s/%s.schema\n" % (servers.SYSTEM_SCHEMA_DIR, n) for n in present)
        + "".join("include %s/%s.schema\n" % (SCHEMA_DIR, n) for n in OURS)
        + "database config\n")
    done = run("slaptest", "-u", "-f", conf)
    t.ok(done.returncode == 0, "all of it loads beside %d schemas of Debian's" % len(present),
         done.stderr)
    # The attribute's arc is shared: a clash would show here as a duplicate.
    t.ok("Duplicate" not in done.stderr, "no name or number clashes", done.stderr)


def check_conf(t, box):
    """slapd.conf: ISPMan's sample under it, by slapadd with schema checking."""
    os.makedirs(box.path("conf", "db"))
    conf = box.write("conf/slapd.conf",
                     localised(read(os.path.join(SCHEMA_DIR, "slapd.conf")), box, "conf"))
    done = run("slaptest", "-u", "-f", conf)
    if not t.ok(done.returncode == 0, "slapd.conf is a valid configuration", done.stderr):
        return
    sample = os.path.join(servers.SRCDIR, "tests/data/sample.ldif")
    done = run("slapadd", "-f", conf, "-l", sample)
    t.ok(done.returncode == 0, "ISPMan's sample tree fits the schema", done.stderr)
    out = must(run("slapcat", "-f", conf, "-b", "o=ispman"))
    t.same(out.count("\ndn: ") + out.startswith("dn: "), 104, "all its 104 entries are there")


def check_config(t, box):
    """slapd.ldif: our example tree, and what the reader sees."""
    for folder in ("config/db", "config/slapd.d"):
        os.makedirs(box.path(folder))
    ldif = box.write("config/slapd.ldif",
                     localised(read(os.path.join(SCHEMA_DIR, "slapd.ldif")), box, "config"))
    done = run("slapadd", "-n", "0", "-F", box.path("config/slapd.d"), "-l", ldif)
    if not t.ok(done.returncode == 0, "slapd.ldif is a valid configuration", done.stderr):
        return
    tree = os.path.join(DOCS, "examples/tree.ldif")
    done = run("slapadd", "-F", box.path("config/slapd.d"), "-b", "o=ispman", "-l", tree)
    t.ok(done.returncode == 0, "the example tree fits the schema", done.stderr)

    slapd = Provider(box, "config", ["-F", box.path("config/slapd.d")]).start()
    done = slapd.as_root("ldapmodify", "-f", os.path.join(DOCS, "examples/logins.ldif"))
    t.ok(done.returncode == 0, "logins.ldif fits the example tree", done.stderr)
    check_reader(t, slapd, "slapd.ldif", dns_of(tree))
    check_record_types(t, slapd)
    slapd.stop()


def check_reader(t, slapd, what, dns, passwords=False):
    more = "\n".join("dn: ou=many%d,o=ispman\nobjectClass: ispmanBranch\nou: many%d\n" % (i, i)
                     for i in range(MANY))
    must(slapd.as_root("ldapadd", text=more))
    done = slapd.as_dn(READER, READER_PASSWORD, "ldapsearch", "-LLL", "-b", "o=ispman",
                       "-o", "ldif-wrap=no", "(objectClass=*)", "*", "+")
    t.ok(done.returncode == 0, what + ": the reader is given more than 500 entries", done.stderr)
    seen = set(re.findall(r"^dn: (.*)$", done.stdout, re.M))
    t.same([d for d in dns if d not in seen], [], what + ": the reader sees every entry")
    t.same("userPassword" in done.stdout, passwords, what + (": the reader sees passwords" if passwords else ": the reader sees no password"))
    t.ok("entryUUID" in done.stdout and "entryCSN" in done.stdout,
         what + ": the reader sees entryUUID and entryCSN")
    ada = "uid=ada_pine_example,ou=users,ispmanDomain=pine.example,o=ispman"
    done = slapd.as_dn(ada, "larch", "ldapsearch", "-LLL", "-b", ada, "1.1")
    t.same(done.stdout.strip(), "dn: " + ada, what + ": a user may log in")
    done = slapd.as_dn(ada, "larch", "ldapsearch", "-LLL", "-b", "ou=admins,o=ispman", "1.1")
    t.same(done.stdout.strip(), "", what + ": and sees nobody else")
    # RFC 4533 in refreshOnly mode: the control is there and a cookie comes with the end.
    done = slapd.as_dn(READER, READER_PASSWORD, "ldapsearch", "-LLL", "-b", "o=ispman", "-s", "base",
                       "-E", "!sync=ro", "(objectClass=*)", "1.1")
    t.ok(done.returncode == 0, what + ": the server speaks RFC 4533", done.stderr)


def check_record_types(t, slapd):
    """An entry of each type can be stored under the attribute that the cache reads it from."""
    zone = "dc=pine,dc=example,ou=DNS,o=ispman"
    ldif = ""
    for number, attribute in record_types():
        ldif += ("dn: ou=%s,%s\nobjectClass: ispmanBranch\nou: %s\n\n" % (attribute, zone, attribute))
        ldif += ("dn: relativeDomainName=type%d,ou=%s,%s\nobjectClass: dNSZone\n"
                 "objectClass: ispmanDnsRecords\nzoneName: pine.example\n"
                 "relativeDomainName: type%d\n%s: \\# 2 ABCD\n\n"
                 % (number, attribute, zone, number, attribute))
    done = slapd.as_root("ldapadd", "-c", text=ldif)
    # The branches of types that the example tree has are there already; everything else must go in.
    wrong = [line for line in done.stderr.splitlines()
             if line.strip() and "Already exists (68)" not in line]
    t.same(wrong, [], "an entry of every record type can be stored")
    done = slapd.as_root("ldapadd", text="dn: tLSARecord=3 1 1 AB,ou=tlsarecord,%s\n"
                         "objectClass: ispmanBranch\nobjectClass: ispmanDnsRecords\n"
                         "tLSARecord: 3 1 1 AB\n" % zone)
    t.ok(done.returncode == 0, "a branch can be named by a record of our types", done.stderr)
    done = slapd.as_root("ldapadd", text="dn: relativeDomainName=*,ou=unknownrecord,%s\n"
                         "objectClass: dNSZone\nobjectClass: ispmanDnsRecords\n"
                         "zoneName: pine.example\nrelativeDomainName: *\n"
                         "unknownRecord: TYPE65280 \\# 4 0A000001\n"
                         "unknownRecord: TYPE65281 \\# 0\n" % zone)
    t.ok(done.returncode == 0, "records of unknown types can be stored", done.stderr)


def check_modify(t, box, what, change, passwords=False):
    """CHANGE, a file of change records, on a server set up without a thought for us."""
    folder = "modify-%s%d" % (what.split()[0], passwords)
    for name in ("db", "slapd.d"):
        os.makedirs(box.path(folder, name))
    text = localised(read(os.path.join(SCHEMA_DIR, "slapd.ldif")), box, folder)
    text = text.replace("olcModuleLoad: syncprov\n", "").replace("olcDbIndex: entryCSN,entryUUID eq\n", "")
    text = text[:text.index("olcLimits:")] + """\
olcAccess: to * by dn.exact="gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth" manage by * break
olcAccess: to attrs=userPassword by self write by anonymous auth by * none
olcAccess: to * by self write by users search by * none
"""
    ldif = box.write(folder + "/slapd.ldif", text)
    must(run("slapadd", "-n", "0", "-F", box.path(folder, "slapd.d"), "-l", ldif))
    tree = os.path.join(DOCS, "examples/tree.ldif")
    must(run("slapadd", "-F", box.path(folder, "slapd.d"), "-b", "o=ispman", "-l", tree))
    slapd = Provider(box, folder, ["-F", box.path(folder, "slapd.d")]).start()
    must(slapd.as_root("ldapmodify", "-f", os.path.join(DOCS, "examples/logins.ldif")))
    done = slapd.as_root("ldapmodify", "-c", "-f", change)
    t.ok(done.returncode == 0, what + " applies to a running server", done.stderr)
    check_reader(t, slapd, what, dns_of(tree), passwords)
    done = slapd.as_root("ldapmodify", "-c", "-f", change)
    t.ok(slapd.running(), what + " does no harm a second time", done.stderr)
    slapd.stop()


def main():
    t = tap.Tap()
    check_texts(t)
    for tool in ("slapd", "slapadd", "slapcat", "slaptest", "ldapsearch", "ldapmodify"):
        if not servers.find_tool(tool):
            if os.environ.get("ISPMAN_NO_SKIP"):
                t.ok(False, "%s is installed" % tool)
            else:
                t.ok(True, "loading # SKIP %s is not installed" % tool)
            return t.done()
    with servers.Sandbox("schema") as box:
        check_beside_debians(t, box)
        check_conf(t, box)
        check_config(t, box)
        check_modify(t, box, "slapd-modify.ldif", os.path.join(SCHEMA_DIR, "slapd-modify.ldif"))
        ispmanctl = servers.built("cache/ispmanctl")
        if ispmanctl:
            for verify, passwords in (("hash", True), ("none", False)):
                snippet = must(run(ispmanctl, "-o", "ldap.base=o=ispman", "-o", "ldap.bind-dn=" + READER,
                                   "-o", "login.verify=" + verify, "config", "slapd"))
                check_modify(t, box, "snippet of ispmanctl, verify = " + verify, box.write("snippet.ldif", snippet), passwords)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
