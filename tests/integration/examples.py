#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""What docs/examples holds can be used as it is: configurations are accepted, and the example directory is
served without a single problem, from the file alone."""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import servers  # noqa: E402
import tap      # noqa: E402

EXAMPLES = os.path.join(servers.SRCDIR, "docs/examples")

# A name and type, and what dig +short would print; None for no such name.
ANSWERS = (
    ("www.pine.example", "A", ["A 192.0.2.80"]),
    ("www.fir.example", "AAAA", ["AAAA 2001:db8:1::80"]),
    ("anything.oak.example", "A", ["A 192.0.2.80", "CNAME www.oak.example."]),
    ("x.shop.pine.example", "A", ["A 192.0.2.83"]),
    ("oak.example", "MX", ["MX 0 ."]),
    ("bench.lab.pine.example", "A", ["A 192.0.2.90"]),
    ("bench.lab.fir.example", "A", None),
    ("nothing.pine.example", "A", None),
)
# Types that the example shows: each must come out as a record.
SHOWN = (
    ("pine.example", "CAA"), ("pine.example", "NAPTR"), ("pine.example", "TXT"),
    ("2026._domainkey.pine.example", "TXT"), ("_443._tcp.www.pine.example", "TLSA"),
    ("gate.pine.example", "SSHFP"), ("gate.pine.example", "LOC"), ("www.pine.example", "HTTPS"),
    ("_sip._udp.pine.example", "SRV"), ("_ftp._tcp.pine.example", "URI"),
    ("probe.pine.example", "TYPE65280"), ("80.2.0.192.in-addr.arpa", "PTR"),
)


UNITS = ("ispman-agent.service", "ispman-cached.service", "ispman-saslauthd.service", "ispman-saslauthd.socket", "ispman-saslauthd-control.socket",
         "ispman-socketmapd.service", "ispman-socketmapd.socket")


def run(*command):
    return subprocess.run(list(command), capture_output=True, text=True)


def check_configurations(t, box):
    done = run(servers.program("ispman-cached"), "-t", "-c",
               os.path.join(EXAMPLES, "ispman.conf.example"))
    t.ok(done.returncode == 0 and "unencrypted" not in done.stderr, "ispman.conf.example is accepted",
         done.stdout + done.stderr)
    done = run(servers.program("ispman-cached"), "-t", "-o", "ldap.uri=ldap://ldap.example", "-c",
               os.path.join(EXAMPLES, "ispman.conf.example"))
    t.ok(done.returncode == 0 and "the password of bind-dn goes to ldap://ldap.example unencrypted" in done.stderr,
         "a password that would cross the network in the clear is warned of", done.stdout + done.stderr)
    done = run(servers.find_tool("named-checkconf"), os.path.join(EXAMPLES, "named.conf.example"))
    t.ok(done.returncode == 0, "named.conf.example is accepted", done.stdout + done.stderr)
    snippet = box.write("snippet.conf", run(servers.program("ispmanctl"), "config", "bind").stdout)
    done = run(servers.find_tool("named-checkconf"), snippet)
    t.ok(done.returncode == 0, "what ispmanctl config bind prints is accepted", done.stdout + done.stderr)
    done = run(servers.built("postfix_map/ispman-socketmapd"), "-t", "-c", os.path.join(EXAMPLES, "ispman.conf.example"),
               "-o", "socketmap.listen=unix:%s,mode=0600" % box.path("socketmap"))
    t.ok(done.returncode == 0, "ispman.conf.example is accepted by ispman-socketmapd", done.stdout + done.stderr)
    done = run(servers.built("agent/ispman-agent"), "-t", "-c", os.path.join(EXAMPLES, "ispman.conf.example"))
    t.ok(done.returncode == 0, "ispman.conf.example is accepted by ispman-agent", done.stdout + done.stderr)
    analyze = servers.find_tool("systemd-analyze")
    if analyze:
        # It wants the programs where the unit says they are.
        paths = []
        for name in UNITS:
            with open(os.path.join(EXAMPLES, name), encoding="utf-8") as f:
                paths.append(box.write(name, re.sub(r"/usr/sbin/ispman-\w+", "/bin/true", f.read())))
        done = run(analyze, "verify", "--man=no", *paths)
        bad = [line for line in done.stderr.splitlines() if any(name in line for name in UNITS)]
        t.same(bad, [], "systemd understands the units")


def check_tree(t, box):
    tree = box.path("tree.ldif")
    shutil.copy(os.path.join(EXAMPLES, "tree.ldif"), tree)
    cached = box.cached(source="ldif:" + tree, settings={
        "dns": {"reverse-prefixes": "192.0.2.0/24 2001:db8:1::/48"}})
    done = cached.ctl("problems")
    t.same((done.returncode, done.stdout), (0, ""), "the example directory has no problems")
    named = box.named(dlz=cached)
    for name, rrtype, want in ANSWERS:
        answer = named.query(name, rrtype)
        if want is None:
            t.same((answer.rcode, answer.answers()), ("NXDOMAIN", []), "%s does not exist" % name)
        else:
            t.same((answer.rcode, answer.answers()), ("NOERROR", want), "%s %s" % (name, rrtype))
    for name, rrtype in SHOWN:
        answer = named.query(name, rrtype)
        t.ok(any(text.startswith(rrtype + " ") for text in answer.answers()),
             "%s %s has an answer" % (name, rrtype), str(answer))


def check_base(t, box):
    tree = box.path("alone.ldif")
    conf = box.write("alone.conf", "[ispman]\ncache-dir = %s\nrun-dir = %s\n[cached]\nsource = ldif:%s\n"
                     % (box.path("alone"), box.path("alone-run"), tree))
    done = subprocess.run([servers.program("ispman-cached"), "-c", conf], capture_output=True, text=True, timeout=60)
    t.ok(done.returncode == 1 and "base is not set, and cannot be taken from the first entry of %s" % tree in done.stderr,
         "a file that is not there says no base", done.stderr)
    shutil.copy(os.path.join(EXAMPLES, "tree.ldif"), tree)
    daemon = subprocess.Popen([servers.program("ispman-cached"), "-c", conf], stderr=subprocess.DEVNULL)
    try:
        done = run(servers.program("ispmanctl"), "-c", conf, "wait", "--timeout", "60")
        t.same(done.returncode, 0, "a file is followed without a base, too: the first entry is it")
        done = run(servers.program("ispmanctl"), "-c", conf, "lookup", "dns", "www.pine.example", "A")
        t.ok("192.0.2.80" in done.stdout, "and answered from", done.stdout + done.stderr)
    finally:
        daemon.terminate()
        t.same(daemon.wait(60), 0, "it ends cleanly")


def main():
    lost = servers.missing("cached", "ispmanctl", "module", "named", "named-checkconf")
    if lost:
        tap.skip_all(lost)
    t = tap.Tap()
    with servers.Sandbox("examples") as box:
        check_configurations(t, box)
        check_tree(t, box)
        check_base(t, box)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
