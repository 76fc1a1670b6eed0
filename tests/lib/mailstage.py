# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""slapd or an LDIF file, ispman-cached, ispman-socketmapd, a real Postfix and the mail stores behind it, around one tree.

    with servers.Sandbox("x") as box:
        stage = MailStage(box, tree)           # LDIF; MailStage(box, tree, slapd=True) a real slapd
        stage.query("virtual", "ada@tern.example")
        with stage.mta.session() as smtp: ...
        stage.sink.wait_for("ada@tern.example")

Postfix is configured by what `ispmanctl config postfix` prints. The mail stores mail1, mail2 and everybody else's servers are one
sink at different addresses (HOSTS); what is sent to the mail server of one of our domains comes back to Postfix.
"""

import base64
import grp
import os
import pwd
import re

import handed
import ispman_ldif
import lmtp_sink
import postfix
import servers
import socketmap
import tap
import treesource

STORE1, STORE2, AWAY = "127.0.0.2", "127.0.0.3", "127.0.0.4"
# The mail servers of our domains are Postfix itself.
OURS = ("tern.example", "osprey.example", "heron.example", "wren.example", "plover.example", "mule.example")
HOSTS = {"mail1.isp.example": STORE1, "mail2.isp.example": STORE2, "elsewhere.example": AWAY, "away.example": AWAY,
         "gull.example": AWAY, "crow.example": AWAY, "mx.partner.example": AWAY}
HOSTS.update((name, "127.0.0.1") for name in OURS)
MAPS = ("virtual", "domains", "relay-domains", "transport", "recipients", "canonical", "sender-login", "mailbox",
        "relocated")


def missing():
    """A sentence about what is lacking for these tests, or None."""
    if not servers.built("postfix_map/ispman-socketmapd"):
        return "ispman-socketmapd is not built"
    return postfix.missing() or servers.missing("cached", "ispmanctl")


class MailTree(ispman_ldif.Tree):
    """A tree with users and groups. Attributes beyond the usual ones are given by name; a list is several values. Text is
    written in UTF-8."""

    @staticmethod
    def _more(attributes, more):
        for name, values in more.items():
            for value in values if isinstance(values, (list, tuple)) else [values]:
                if value is not None:
                    attributes.append((name, str(value).encode("utf-8")))
        return attributes

    def mail_domain(self, name, kind="nodns", delivery="local", **more):
        dn = self.domain(name, kind, master=more.pop("master", None), masters=more.pop("masters", None))
        _, attributes = self.entries[ispman_ldif.dn_key(dn)]
        self.change(dn, ispmanDomainMailDeliveryMethod=delivery)
        self._more(attributes, more)
        return dn

    def change(self, dn, **values):
        """Replaces attributes; None removes one."""
        _, attributes = self.entries[ispman_ldif.dn_key(ispman_ldif.octets(dn))]
        for name, value in values.items():
            attributes[:] = [(n, v) for n, v in attributes if n.lower() != name.lower()]
            self._more(attributes, {name: value})

    def user(self, domain, local, host="mail1.isp.example", routing="", **more):
        """ROUTING: "" is the address itself where there is a HOST, None is none. The DN."""
        login = re.sub("[^a-z0-9_-]", "_", local.lower()) + "_" + domain.replace(".", "_")
        address = more.pop("address", "%s@%s" % (local, domain))
        number = 20000 + len(self.entries)
        branch = self.branch("ou", "users", ispman_ldif.octets("ispmanDomain=%s," % domain) + self.base)
        dn = b"uid=" + ispman_ldif.dn_escape(login) + b"," + branch
        attributes = [("objectClass", "posixAccount"), ("objectClass", "ispmanDomainUser"), ("uid", login),
                      ("ispmanDomain", domain), ("cn", login), ("sn", login), ("uidNumber", number), ("gidNumber", 10001),
                      ("homeDirectory", "/var/www/" + login)]
        more.setdefault("ispmanStatus", "active")
        if routing == "":
            routing = address if host else None
        self.add(dn, self._more(attributes, dict(more, mailLocalAddress=address, mailHost=host, mailRoutingAddress=routing)))
        return dn

    def group(self, domain, local, members, **more):
        branch = self.branch("ou", "ispmanMailGroup", ispman_ldif.octets("ispmanDomain=%s," % domain) + self.base)
        dn = b"cn=" + ispman_ldif.dn_escape(local) + b"," + branch
        address = more.pop("address", "%s@%s" % (local, domain))
        self.add(dn, self._more([("objectClass", "ispmanMailGroup"), ("cn", local), ("ispmanDomain", domain)],
                                dict(more, mailLocalAddress=address, mailForwardingAddress=members)))
        return dn


class Socketmapd(handed.Handed):
    """ispman-socketmapd."""

    def __init__(self, box, conf_path, path, inherited=False, overrides=()):
        command = [servers.built("postfix_map/ispman-socketmapd"), "-c", conf_path]
        for override in overrides:
            command += ["-o", override]
        self.path = path
        super().__init__(box, "socketmapd", command, [path], inherited)

    def start(self, wait=True):
        self.spawn()
        if wait:
            servers.wait_until(self.answers, "ispman-socketmapd to answer", process=self.process)
        return self

    def answers(self):
        try:
            with socketmap.Client(self.path, timeout=5) as client:
                return client.ask("domains", "ready.invalid").startswith("NOTFOUND")
        except OSError:
            return False


class MailStage(treesource.TreeSource):
    """SETTINGS {section: {key: value}} on top of what is needed. MAIN is added to main.cf behind our fragment, MASTER to
    master.cf. With SETUP=2 the fragment's second set-up is taken."""

    def __init__(self, box, tree, slapd=False, settings=None, main="", setup=1, inherited=False, start=True, mta_settings=None,
                 **mta_options):
        hosts = (STORE1, STORE2, AWAY)
        # SMTP goes to this port of every host, so that Postfix finds itself as well as others.
        port = servers.free_port(("127.0.0.1",) + hosts)
        self.sink = lmtp_sink.Sink(hosts=hosts, also=[(host, port) for host in hosts]).start()
        base = {"smtp_dns_support_level": "disabled"}
        base.update(mta_settings or {})
        self.mta = postfix.Postfix(box, hosts=HOSTS, lmtp_port=self.sink.port, smtp_port=port, port=port,
                                   settings=base, **mta_options)
        self.path = self.mta.socket_folder + "/socketmap"
        own = {"socketmap": {"listen": "unix:%s,mode=0660,group=%s" % (self.path, self.mta_group())}}
        for section, values in (settings or {}).items():
            own.setdefault(section, {}).update(values)
        self.serve_tree(box, tree, slapd, own)
        self.socketmapd = Socketmapd(box, self.cached.conf_path, self.path, inherited)
        self.fragment = self.print_config()
        self.main = select_setup(self.fragment, setup) + main
        self.mta.configure(self.main)
        if start:
            self.socketmapd.start()
            self.mta.start()

    def mta_group(self):
        return grp.getgrgid(pwd.getpwnam(self.mta.owner).pw_gid).gr_name

    def print_config(self):
        done = self.cached.ctl("config", "postfix", self.mta.queue)
        if done.returncode:
            raise RuntimeError("ispmanctl config postfix: " + done.stderr)
        return done.stdout

    def close(self):
        self.sink.close()

    # --- asking -----------------------------------------------------------------------------------

    def table(self, name):
        return "socketmap:unix:ispman/socketmap:" + name

    def query(self, name, key):
        """postmap -q: the value, None, or postfix.Temporary."""
        return self.mta.query(self.table(name), key)

    def lookup(self, name, key):
        """ispmanctl lookup mail: (status, output)."""
        done = self.cached.ctl("lookup", "mail", name, key)
        return done.returncode, done.stdout.rstrip("\n")

    # --- mail -------------------------------------------------------------------------------------

    def deliver(self, recipients, sender="someone@away.example", options="", count=None):
        """Sends one message and returns, sorted, (where it was delivered, to whom) when as many as COUNT arrived and the queue is empty."""
        self.sent = getattr(self, "sent", 0) + 1
        subject = "message %d" % self.sent
        with self.mta.session() as smtp:
            smtp.send(sender, recipients if isinstance(recipients, list) else [recipients], subject, options)
        if count is not None:
            self.sink.wait_for(subject=subject, count=count)
        self.mta.wait_empty()
        return sorted((d.host, d.recipient) for d in self.sink.find(subject=subject))

    def temporary(self):
        """Lines of Postfix's log that tell of a lookup that could not be made."""
        return [line for line in self.mta.log().splitlines()
                if re.search(r"\b451\b|emporary lookup failure|table lookup problem|socketmap.*(error|refused)|map lookup", line)
                and "warning: dict_" not in line or "warning: socketmap" in line]


def select_setup(fragment, number):
    """The fragment with its second set-up instead of the first: it stands there, commented out."""
    if number == 1:
        return fragment
    parts = re.split(r"(?m)(?=^# ---)", fragment)
    if len(parts) < 4:
        raise RuntimeError("there is no second set-up")
    first, second, common = parts[0] + parts[1], parts[2], "".join(parts[3:])
    second = re.sub(r"(?m)^#([a-z_]+ =|    )", r"\1", second)
    stated = set(re.findall(r"(?m)^([a-z_]+) =", second))
    kept, skipping = [], False
    for line in first.splitlines():
        name = re.match(r"([a-z_]+) =", line)
        if name:
            skipping = name.group(1) in stated
        elif not line.startswith((" ", "\t")):
            skipping = False
        if not skipping:
            kept.append(line)
    return "\n".join(kept) + "\n" + second + common


def sample():
    """tests/data/sample.ldif as a tree that can be changed."""
    tree = MailTree(base="")
    tree.base = b"o=ispman"
    with open(os.path.join(servers.SRCDIR, "tests/data/sample.ldif"), "rb") as f:
        text = re.sub(rb"\r?\n ", b"", f.read())
    for paragraph in re.split(rb"\n\n+", text):
        lines = [line for line in paragraph.split(b"\n") if line and not line.startswith((b"#", b"version:"))]
        pairs = []
        for line in lines:
            name, _, value = line.partition(b":")
            if value.startswith(b":"):
                value = base64.b64decode(value[1:].strip())
            pairs.append((name.decode(), value.lstrip(b" ")))
        if pairs:
            tree.add(pairs[0][1], pairs[1:])
    return tree


def skip_unless_possible():
    why = missing()
    if why:
        tap.skip_all(why)
