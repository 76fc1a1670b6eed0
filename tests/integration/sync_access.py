#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Who we are and what we may: TLS, SASL, passwords, limits, rights. Each mistake is told in words that name
what to change, and none of them empties the cache."""

import os
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import servers    # noqa: E402
import syncscene  # noqa: E402
import tap        # noqa: E402
from syncscene import ACCESS, BASE, LIMITS, PASSWORD, READER, Scene, describe, ou, ou_entry  # noqa: E402


def openssl(*arguments):
    subprocess.run(["openssl"] + list(arguments), check=True, capture_output=True)


# libldap takes "localhost" for the machine's own name, in certificates and in Kerberos principals.
HOST = "127.0.0.1"
try:
    OWN_NAME = socket.gethostbyname_ex(socket.gethostname())[0]
except socket.gaierror:
    # A container whose name nobody knows.
    OWN_NAME = socket.gethostname()
NAMES = sorted({OWN_NAME, socket.gethostname(), "localhost"})


class Authority:
    """A certificate authority of our own in the sandbox."""

    def __init__(self, box, name="authority"):
        self.box, self.name = box, name
        self.file, self.key = box.path(name + ".pem"), box.path(name + ".key")
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", self.file,
                "-subj", "/CN=Test " + name, "-days", "2", "-addext", "basicConstraints=critical,CA:TRUE")

    def sign(self, name, alt="IP:127.0.0.1", days=("-days", "2")):
        """Returns (certificate file, key file)."""
        key, request = self.box.path(name + ".key"), self.box.path(name + ".csr")
        out, ext = self.box.path(name + ".pem"), self.box.path(name + ".ext")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request,
                "-subj", "/CN=" + name)
        self.box.write(name + ".ext", "subjectAltName=%s\n" % alt)
        if days[0] == "-days":
            openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key,
                    "-CAcreateserial", "-out", out, "-extfile", ext, *days)
        else:
            database = self.box.path(name + ".db")
            os.makedirs(database)
            open(database + "/index.txt", "w").close()
            conf = self.box.write(name + ".cnf", (
                "[ca]\ndefault_ca=c\n[c]\nnew_certs_dir=%s\ndatabase=%s/index.txt\nrand_serial=yes\n"
                "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n") % (database, database))
            openssl("ca", "-batch", "-config", conf, "-cert", self.file, "-keyfile", self.key, "-in", request,
                    "-out", out, "-extfile", ext, "-notext", *days)
        return out, key


def tls_lines(authority, certificate):
    return "TLSCACertificateFile %s\nTLSCertificateFile %s\nTLSCertificateKeyFile %s\n" % (
        authority.file, *certificate)


def listen(slapd, *uris):
    """Has SLAPD, which is not yet started, listen at URIS too."""
    at = slapd.command.index("-h") + 1
    slapd.command[at] = " ".join([slapd.uri] + list(uris))


def tls(t, box):
    authority, other = Authority(box), Authority(box, "stranger")
    scene = Scene(box, extra_global=tls_lines(authority, authority.sign("server")), start=False)
    secure = "ldaps://%s:%d" % (HOST, servers.free_port())
    listen(scene.slapd, secure)
    scene.slapd.start()
    plain = scene.slapd.uri
    for name, options in (("StartTLS", dict(uri=plain, starttls=1)), ("LDAPS", dict(uri=secure))):
        probe = scene.probe(ca_file=authority.file, **options)
        t.same(probe.wait_refresh(), "sweep", name + " with an authority of our own")
        describe(scene.slapd, ou("unit1"), name)
        probe.wait_line("^entry .*description=" + name)
        t.ok(probe.stop() < 1, name + ": changes arrive, and it stops at once")
        probe = scene.probe(ca_file=other.file, **options)
        said = probe.wait_said("TLS handshake failed", "Test authority", other.file, "as ca-file in [ldap]")
        t.ok("begin" not in " ".join(probe.lines), name + ": a stranger's certificate is refused", said)
        probe.stop()
        probe = scene.probe(ca_file=box.path("missing.pem"), **options)
        probe.wait_said("ca-file", "missing.pem cannot be read: No such file")
        t.ok(True, name + ": a ca-file that is not there is named")
        probe.stop()
    probe = scene.probe(uri=plain, starttls=1, ca_file=box.write("empty.pem", "no certificate\n"))
    said = probe.wait_said("empty.pem")
    t.ok(True, "so is one that holds no certificate")
    probe.stop()
    # Secure listeners that say nothing.
    silent = socket.create_server(("127.0.0.1", 0))
    probe = scene.probe(uri="ldaps://127.0.0.1:%d" % silent.getsockname()[1], ca_file=authority.file, timeout=1)
    probe.wait_said("no answer to the TLS handshake in time")
    probe.wait_attempts(1)
    took = probe.stop()
    t.ok(took < 1, "a silent LDAPS server is told in words, and does not hold up the stop (%.2f s)" % took)
    silent.close()


def bad_certificates(t, box):
    authority = Authority(box)
    past = ("-startdate", "20200101000000Z", "-enddate", "20200201000000Z")
    for name, alt, days, words in (
            ("elsewhere.example", "DNS:elsewhere.example", ("-days", "2"), ('does not name the host "%s"' % HOST,)),
            ("expired", "IP:" + HOST, past, ("has expired at Feb  1",))):
        scene = Scene(box, name=name, extra_global=tls_lines(authority, authority.sign(name, alt, days)))
        probe = scene.probe(starttls=1,
                            ca_file=authority.file)
        said = probe.wait_said("TLS handshake failed", *words)
        t.ok(True, "a certificate is refused and explained: " + said[said.index("certificate"):])
        probe.stop()


def no_tls_there(t, box):
    scene = Scene(box)
    authority = Authority(box)
    probe = scene.probe(starttls=1, ca_file=authority.file)
    probe.wait_said("does not offer StartTLS", "TLSCertificateFile")
    t.ok(True, "a server without StartTLS is told what it lacks")
    probe.stop()
    probe = scene.probe(uri=scene.slapd.uri.replace("ldap:", "ldaps:"), ca_file=authority.file, timeout=2)
    probe.wait_said("ldaps://", "TLS handshake")
    t.ok(True, "LDAPS to a plain port fails in words")


def confidentiality_required(t, box):
    authority = Authority(box)
    scene = Scene(box, extra_global=tls_lines(authority, authority.sign("server")))
    with open(scene.slapd.conf_path) as f:
        text = f.read()
    scene.slapd.stop()
    with open(scene.slapd.conf_path, "w") as f:
        f.write(text.replace("database mdb", "security simple_bind=56\ndatabase mdb", 1))
    scene.slapd.spawn()
    servers.wait_until(lambda: not socket.socket().connect_ex(("127.0.0.1", scene.slapd.port)), "slapd")
    probe = scene.probe()
    probe.wait_said("no password over an unprotected connection", "starttls = yes", "13 confidentialityRequired")
    t.ok(True, "a server that wants TLS gets named what to set")
    probe.stop()
    probe = scene.probe(starttls=1, ca_file=authority.file)
    t.same(probe.wait_refresh(), "sweep", "and with it, it works")


def external(t, box):
    scene = Scene(box, start=False, extra_global='authz-regexp '
                  '"gidNumber=%d[+]uidNumber=%d,cn=peercred,cn=external,cn=auth" "%s"\n'
                  % (os.getgid(), os.getuid(), READER))
    path = box.path("ldapi")
    uri = "ldapi://" + path.replace("/", "%2F")
    listen(scene.slapd, uri)
    scene.slapd.start()
    probe = scene.probe(uri=uri, bind_dn=None, bind_password_file=None, sasl_mech="EXTERNAL")
    t.same(probe.wait_refresh(), "sweep", "ldapi:// with SASL EXTERNAL")
    describe(scene.slapd, ou("unit1"), "local")
    probe.wait_line("^entry .*description=local")
    t.case("follows", probe.wait_same, scene.slapd)
    probe.stop()
    probe = scene.probe(bind_dn=None, bind_password_file=None, sasl_mech="EXTERNAL")
    probe.wait_said("SASL EXTERNAL")
    t.ok(True, "over TCP without a certificate it fails in words: " + probe.said()[-1])
    probe.stop()
    probe = scene.probe(uri="ldapi://" + box.path("nothing").replace("/", "%2F"))
    probe.wait_said("cannot connect to " + box.path("nothing"), "No such file")
    t.ok(True, "a socket that is not there is named")


def client_certificate(t, box):
    authority = Authority(box)
    certificate, key = authority.sign("reader", "DNS:reader")
    scene = Scene(box, extra_global=tls_lines(authority, authority.sign("server")) +
                  'TLSVerifyClient demand\nauthz-regexp "cn=reader" "%s"\n' % READER, start=False)
    scene.slapd.spawn()
    servers.wait_until(lambda: not socket.socket().connect_ex(("127.0.0.1", scene.slapd.port)), "slapd")
    probe = scene.probe(starttls=1, ca_file=authority.file,
                        cert_file=certificate, key_file=key, bind_dn=None, bind_password_file=None,
                        sasl_mech="EXTERNAL",
                        # libldap with GnuTLS loses a client certificate's memory (2.5.13).
                        env={"ASAN_OPTIONS": "detect_leaks=0"})
    t.same(probe.wait_refresh(), "sweep", "SASL EXTERNAL by a client certificate")


def gssapi(t, box):
    why = servers.missing("krb5kdc", "kadmin.local", "kdb5_util")
    if why:
        tap.say("no GSSAPI test: " + why)
        return
    port = servers.free_port()
    config = box.write("krb5.conf", """
[libdefaults]
 default_realm = TEST.EXAMPLE
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
[realms]
 TEST.EXAMPLE = {
  kdc = 127.0.0.1:%d
 }
[domain_realm]
 %s
[logging]
 kdc = FILE:%s
""" % (port, "\n ".join("%s = TEST.EXAMPLE" % name for name in NAMES), box.path("kdc-own.log")))
    profile = box.write("kdc.conf", """
[kdcdefaults]
 kdc_listen = 127.0.0.1:%d
 kdc_tcp_listen = 127.0.0.1:%d
[realms]
 TEST.EXAMPLE = {
  database_name = %s
  key_stash_file = %s
 }
""" % (port, port, box.path("principal"), box.path("stash")))
    environment = {"KRB5_CONFIG": config, "KRB5_KDC_PROFILE": profile}
    full = dict(os.environ, **environment)

    def run(tool, *arguments):
        subprocess.run([servers.find_tool(tool)] + list(arguments), env=full, check=True, capture_output=True)

    run("kdb5_util", "create", "-s", "-P", "test", "-r", "TEST.EXAMPLE")
    for principal, keytab in [("reader", "reader.keytab")] + [("ldap/" + n, "server.keytab") for n in NAMES]:
        run("kadmin.local", "-r", "TEST.EXAMPLE", "addprinc", "-randkey", principal)
        run("kadmin.local", "-r", "TEST.EXAMPLE", "ktadd", "-k", box.path(keytab), principal)
    kdc = servers.Server(box, "kdc", [servers.find_tool("krb5kdc"), "-n", "-P", box.path("kdc.pid")],
                         env=environment)
    box.servers.append(kdc)
    kdc.spawn()
    servers.wait_until(lambda: not socket.socket().connect_ex(("127.0.0.1", port)), "the KDC", process=kdc.process)

    scene = Scene(box, start=False, extra_global='sasl-host %s\nsasl-realm TEST.EXAMPLE\n'
                  'authz-regexp "uid=reader,(cn=[^,]*,)?cn=gssapi,cn=auth" "%s"\n'
                  % (OWN_NAME, READER))
    scene.slapd.env = dict(environment, KRB5_KTNAME=box.path("server.keytab"))
    scene.slapd.start()
    options = dict(bind_dn=None, bind_password_file=None, sasl_mech="GSSAPI")
    client = dict(environment, KRB5CCNAME="FILE:" + box.path("cache"))
    probe = scene.probe(env=dict(client, KRB5_CLIENT_KTNAME=box.path("reader.keytab")), **options)
    t.same(probe.wait_refresh(), "sweep", "SASL GSSAPI with a keytab")
    describe(scene.slapd, ou("unit1"), "kerberos " * 100)
    probe.wait_line("^entry .*description=kerberos")
    t.case("follows through the security layer", probe.wait_same, scene.slapd)
    scene.slapd.add("".join(ou_entry("k%d" % i) for i in range(200)))
    t.case("also many changes", probe.wait_same, scene.slapd)
    probe.stop()
    probe = scene.probe(env=dict(environment, KRB5CCNAME="FILE:" + box.path("none")), **options)
    probe.wait_said("SASL GSSAPI bind failed", "No Kerberos credentials")
    t.ok(True, "without credentials the reason is told")


def passwords(t, box):
    scene = Scene(box)
    probe = scene.probe(bind_password_file=None)
    probe.wait_said("bind-dn is set, but bind-password-file is not")
    t.ok(True, "a bind DN without a password is not an anonymous bind")
    probe.stop()
    for name, content, mode, words in (
            ("open", PASSWORD, 0o604, "open to everybody: chmod o= it first"),
            ("empty", "\n", 0o600, "is empty"),
            ("wrong", "other", 0o600, "49 invalidCredentials")):
        path = box.write("password-" + name, content)
        os.chmod(path, mode)
        probe = scene.probe(bind_password_file=path)
        probe.wait_said(path, words)
        t.ok(not any(PASSWORD in line for line in probe.said()), "password file: %s" % words)
        if name == "wrong":
            # Read again for each try.
            box.write("password-wrong", PASSWORD + "\r\n")
            t.same(probe.wait_refresh(), "sweep", "a corrected password needs no restart")
        probe.stop()
    probe = scene.probe(bind_password_file=box.path("nothing"))
    probe.wait_said("nothing cannot be read: No such file")
    t.ok(True, "a missing password file is named")


def limits(t, box):
    scene = Scene(box, access=ACCESS + "limits * size=10\n")
    probe = scene.probe()
    probe.wait_said("after 10 entries because of its size limit",
                    '`limits dn.exact="%s" size=unlimited time=unlimited`' % READER, "4 sizeLimitExceeded")
    t.same(probe.wait_phase("held")["phase"], "held", "a partial answer is not used")
    t.ok("abort" in probe.lines and not [l for l in probe.lines if l.startswith("sweep")],
         "nothing is swept on its ground")
    scene.reconfigure("limits * size=10\n", LIMITS)
    t.same(probe.wait_refresh(), "sweep", "with the line that was advised it works")
    t.case("and is complete", probe.wait_same, scene.slapd)
    scene.reconfigure(LIMITS, "limits * size=10\n")
    probe.wait_said("synchronised")
    t.ok(True, "a cookie needs no high limit while little changes")
    probe.stop()
    probe.start(state=box.path("nothing"))
    probe.wait_said("sizeLimitExceeded")
    t.case("a refresh that hits the limit removes nothing", probe.wait_same, scene.slapd)
    t.ok(scene.probe(bind_dn=scene.slapd.manager, bind_password_file=manager(box, scene)).wait_refresh(),
         "the rootdn has no limits")


def manager(box, scene):
    path = box.write("manager", scene.slapd.password)
    os.chmod(path, 0o600)
    return path


def rights(t, box):
    scene = Scene(box)
    probe = scene.probe()
    probe.wait_refresh()
    model = dict(probe.model.dns())
    advice = '`access to * by dn.exact="%s" read by * break`' % READER
    nothing = "access to * by anonymous auth by * none\n"
    scene.reconfigure(ACCESS, nothing)
    probe.wait_said('may not see it', advice)
    t.same(probe.model.dns(), model, "when the right to read is lost, nothing is removed")
    scene.reconfigure(nothing, 'access to attrs=entryUUID by * none\n' + ACCESS)
    probe.wait_said("but not its entryUUID", advice)
    t.ok(True, "a hidden entryUUID is told in words")
    scene.reconfigure('access to attrs=entryUUID by * none\n', "")
    probe.wait_said("synchronised")
    t.same(probe.model.dns(), model, "when the right is back, so are we")
    probe.stop()
    probe = scene.probe(bind_dn=None, bind_password_file=None)
    probe.wait_said("anonymous may not read", "`access to * by anonymous read by * break`")
    t.ok(True, "an anonymous reader is called that")
    probe.stop()
    probe = scene.probe(base="ou=nowhere," + BASE)
    probe.wait_said('there is no "ou=nowhere,%s"' % BASE, "correct base in [ldap]")
    t.ok(True, "a base that does not exist is named")
    probe.stop()
    probe = scene.probe(base="no dn")
    probe.wait_said('takes "no dn" for no DN')
    t.ok(True, "and one that is no DN")
    probe.stop()
    probe = scene.probe(filter="(ou=")
    probe.wait_said("not a valid LDAP filter")
    t.ok(True, "a broken filter is told")
    probe.stop()
    probe = scene.probe(filter="(ou=nothing-like-it)")
    probe.wait_said("shows no entry below", "An empty answer never empties the cache", "Correct filter in [ldap]")
    t.same(probe.wait_phase("held")["phase"], "held", "an empty answer is not used")
    t.ok("abort" in probe.lines, "and ends in no sweep")


def no_overlay(t, box):
    scene = Scene(box)
    scene.reconfigure("overlay syncprov\n", "")
    probe = scene.probe()
    probe.wait_said("no syncprov overlay", "`overlay syncprov`", "12 unavailableCriticalExtension")
    t.ok(True, "a database without syncprov is told the line it lacks")
    scene.reconfigure("moduleload syncprov\n", "")
    probe.wait_said("does not offer content synchronisation", "`moduleload syncprov`")
    t.ok(True, "a server without the module too")


def referrals(t, box):
    scene = Scene(box)
    subprocess.run([servers.find_tool("ldapadd"), "-x", "-M", "-H", scene.slapd.uri, "-D", scene.slapd.manager,
                    "-w", scene.slapd.password], check=True, capture_output=True, text=True,
                   input="dn: %s\nobjectClass: referral\nobjectClass: extensibleObject\nou: away\n"
                         "ref: ldap://other.example/ou=away,o=other\n" % ou("away"))
    probe = scene.probe()
    t.same(probe.wait_refresh(), "sweep", "a referral in the tree does not stop it")
    t.same(len([s for s in probe.said() if "kept elsewhere (ldap://other.example" in s]), 1, "and is told once")
    t.ok(not [l for l in probe.lines if "ou=away" in l and l.startswith("entry")], "it is no entry")


syncscene.main((tls, bad_certificates, no_tls_there, confidentiality_required, external, client_certificate,
                gssapi, passwords, limits, rights, no_overlay, referrals))
