#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""ISPMan's queue as ispman-agent takes it, in a real slapd and with the rights that docs/agent.md gives: order, names, claims of which
one wins, claims taken over, retries, odd tasks; and servers that are away, silent, or say no."""

import os
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import ldapclient  # noqa: E402
import servers     # noqa: E402
import tap         # noqa: E402
import tcpproxy    # noqa: E402

BRANCH = "ou=processes,o=ispman"
AGENT = "uid=ispman-agent,ou=admins,o=ispman"
TIMEOUT = 2


def documented_access():
    """The lines of docs/agent.md in the form of slapd.conf."""
    with open(os.path.join(servers.SRCDIR, "docs/agent.md")) as f:
        text = re.sub(r"\n\s+", " ", f.read())
    rules = re.findall(r"olcAccess: (to .*?by \* break)", text)
    limits = re.findall(r"olcLimits: (dn\.exact=\S+ size=\S+)", text)
    if len(rules) != 1 or len(limits) != 1:
        raise RuntimeError("docs/agent.md has no rules to test")
    return "\n".join(["limits " + limits[0], 'limits dn.exact="uid=nobody,ou=admins,o=ispman" size=3', "access " + rules[0], "access to attrs=userPassword by anonymous auth",
                      'access to * by dn.exact="uid=nobody,ou=admins,o=ispman" read'])


class Probe:
    def __init__(self, box, uri, *more, who=AGENT, names="mail1.isp.example,imap1"):
        secret = box.write("agent-password", "agentpw\n")
        os.chmod(secret, 0o600)
        self.process = subprocess.Popen([servers.built("tests/lib/tasks_probe"), uri, "o=ispman", who, secret, names,
                                         "timeout=%d" % TIMEOUT] + list(more), text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self):
        return self.process.stdout.readline().strip()

    def __call__(self, line):
        self.say(line)
        return self.hear()

    def close(self):
        self.process.stdin.close()
        return self.process.wait(60)


class Queue:
    """The branch as its manager sees it."""

    def __init__(self, slapd):
        self.slapd = slapd
        self.ldap = ldapclient.Connection(slapd.port, slapd.manager, slapd.password)

    def dn(self, pid):
        return "ispmanPid=%s,ispmanSession=CONSOLE,%s" % (pid, BRANCH)

    def add(self, pid, process="createMailbox", params="mailbox=ada@tern.example", host="mail1.isp.example", status="new",
            message=None, rdn=None):
        values = [("objectClass", "ispmanProcesses"), ("ou", "processes"), ("ispmanSession", "CONSOLE"), ("ispmanUser", "root"),
                  ("ispmanDomain", "tern.example"), ("ispmanHostName", host), ("ispmanStatus", status)]
        values += [("ispmanProcess", p) for p in ([process] if isinstance(process, str) else process)]
        values += [("ispmanPid", pid)] if rdn is None else []
        values += [("ispmanParams", p) for p in ([params] if isinstance(params, (str, bytes)) else params)]
        values += [("ispmanMessage", m) for m in ([message] if isinstance(message, str) else message or [])]
        self.ldap.add("%s,ispmanSession=CONSOLE,%s" % (rdn, BRANCH) if rdn else self.dn(pid), values)

    def clear(self):
        for line in self.slapd.search("-b", BRANCH, "(objectClass=ispmanProcesses)", "1.1").splitlines():
            if line.startswith("dn: "):
                self.ldap.delete(line[4:])

    def of(self, pid):
        """(status, message) of an entry, None when it is gone."""
        text = self.slapd.search("-s", "base", "-b", self.dn(pid), "ispmanStatus", "ispmanMessage")
        found = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
        return (found.get("ispmanStatus"), found.get("ispmanMessage")) if found else None

    def set(self, pid, **values):
        self.ldap.modify(self.dn(pid), replace={name: [value] for name, value in values.items()})


def at(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def claim_of(seconds, tries=1):
    return "claimed by mail1.isp.example (00112233aabbccdd) at %s, try %d" % (at(seconds), tries)


def in_time(t, question, want, name):
    """QUESTION's answer matches, and came within the timeout and what a busy machine takes on top."""
    began = time.monotonic()
    got = question()
    took = time.monotonic() - began
    t.ok(re.search(want, got) and took <= TIMEOUT + 1.5, name, "got %r after %.1f s, want %r" % (got, took, want))


def order_and_names(t, queue, probe):
    t.same(probe("poll"), "41:0", "of the sample only the new task for this host is there")
    queue.clear()
    t.same(probe("poll"), "", "an empty queue is empty")
    for pid, host in ((100, "mail1.isp.example"), (9, "MAIL1.isp.example."), (10, "imap1"), (11, "imap1."), (12, "mail10.isp.example"),
                      (13, "mail1"), (14, "web1.isp.example")):
        queue.add(pid, host=host)
    queue.add("", rdn="ispmanMessage=without")
    queue.add(15, status="insession")
    queue.add(16, status="error", message="There were 1 errors")
    t.same(probe("poll"), "9:0 10:0 11:0 100:0 none:0", "tasks for the host and its aliases in the order of their numbers")
    queue.clear()


def odd_tasks(t, queue, probe):
    tasks = [
        ("setMailboxQuota", "mailbox = ada@tern.example = x&quota =102400", "7 ada@tern.example 102400"),
        ("deleteHomeDirectory", "homeDirectory=/var/www/tern.example/&uidNumber=1&gidNumber=1", "4 /var/www/tern.example -1"),
        ("createMailbox", [], "createMailbox needs the parameter mailbox"),
        ("createMailbox", b"mailbox=a\x01b", 'mailbox is not a name: "a\\x01b"'),
        ("createMailbox", ["mailbox=a", "mailbox=b"], "the task has several values of ispmanParams"),
        (["createMailbox", "deleteMailbox"], "mailbox=a", "the task has several names"),
        ([], "mailbox=a", "the task has no name"),
        ("createMailbox", "&".join("p%d=1" % i for i in range(40)), "the task has too many parameters"),
        ("modifyDomain", [], "obsolete"),
        ("AddDatabase", "name=x&password=y", 'the task "AddDatabase" is not done by this agent'),
        ("createmailbox", "mailbox=a", 'the task "createmailbox" is not known'),
    ]
    for pid, (process, params, _) in enumerate(tasks, 1):
        queue.add(pid, process=process, params=params)
    got = probe("subjects").rstrip("|").split("|")
    for pid, (process, _, want) in enumerate(tasks, 1):
        t.same(got[pid - 1] if pid <= len(got) else None, "%d=%s" % (pid, want), "%s: %s" % (process, want))
    queue.clear()


def claims(t, box, queue, slapd, probe):
    queue.add(1)
    queue.add(2)
    t.same(probe("claim"), "1=1 2=1", "new tasks are claimed")
    status, message = queue.of(1)
    t.ok(status == "claimed" and re.fullmatch(r"claimed by mail1\.isp\.example \([0-9a-f]{16}\) at \S{20}, try 1", message),
         "the entry tells who has it since when", "%r %r" % (status, message))
    other = Probe(box, slapd.uri)
    t.same(other("poll"), "", "another agent with the same name sees nothing to do")
    queue.ldap.delete(queue.dn(2))
    t.same(probe("done"), "1=1 2=0", "what is done is deleted; what somebody deleted is no trouble")
    t.same(queue.of(1), None, "and is gone")

    queue.add(3)
    t.same(probe("claim"), "3=1", "claimed")
    t.same(probe("claim"), "3=1", "what this agent has not finished it gets again")
    t.same(queue.of(3)[1][-5:], "try 2", "as another try")
    queue.set(3, ispmanMessage=claim_of(-599))
    t.same(other("poll"), "", "another's claim holds for its lease")
    queue.set(3, ispmanMessage=claim_of(-601, 2))
    t.same(other("claim"), "3=1", "and is taken over after it")
    t.same(queue.of(3)[1][-5:], "try 3", "as another try")
    t.same(probe("done"), "3=0", "who had it before cannot end it any more")
    t.same(other("failed a\u00fc reason"), "3=1", "who has it can")
    t.same(queue.of(3), ("error", "given up after 3 tries: a?? reason"), "and tells why it failed, in ASCII")
    queue.set(3, ispmanStatus="new")
    t.same(other("claim"), "3=1", "an admin may set the status to new again")
    t.same(queue.of(3)[1][-5:], "try 1", "and all begins anew")

    queue.clear()
    queue.add(8)
    queue.add(9)
    t.same(probe("claim"), "8=1 9=1", "claimed")
    for pid in (8, 9):
        queue.set(pid, ispmanStatus="new")
    t.same(other("poll"), "", "a claim holds when ISPMan commits the session once more")
    t.same(probe("failed reason"), "8=1 9=1", "and who has it can end it")
    t.same(queue.of(8), ("error", "reason"), "as an error")
    for pid in (8, 9):
        queue.set(pid, ispmanStatus="new")
    t.same(probe("claim"), "8=1 9=1", "claimed again")
    queue.set(9, ispmanStatus="new")
    t.same(probe("done"), "8=1 9=1", "or done")
    t.same(queue.of(9), None, "it is gone")
    queue.add(4, status="claimed")
    queue.add(5, status="claimed", message=["odd", "more"])
    queue.add(6, status="claimed", message=claim_of(100000))
    queue.add(7, status="claimed", message=claim_of(-100000, 8))
    t.same(other("claim"), "4=1 5=1 6=1 7=0", "claims that tell nothing, or a time in the future, are none")
    t.same(probe("poll"), "", "for one")
    t.same(queue.of(7), ("error", "given up after 8 tries: no try told how it ended"), "a task that ends its agents is not tried for ever")
    other.close()
    queue.clear()


def retries(t, box, queue, slapd):
    probe = Probe(box, slapd.uri, "tries=2")
    queue.add(1)
    t.same(probe("claim"), "1=1", "claimed")
    t.same(probe("retry the server is away"), "1=1", "given back")
    status, message = queue.of(1)
    t.ok(status == "new" and re.fullmatch(r"try 1 failed, again after \S{20}: the server is away", message), "for later",
         "%r %r" % (status, message))
    t.same(probe("poll"), "", "not at once")
    queue.set(1, ispmanMessage="try 1 failed, again after %s: x" % at(-1))
    t.same(probe("poll"), "1:1", "then")
    t.same(probe("claim"), "1=1", "claimed")
    t.same(probe("retry still away"), "1=2", "the last try")
    t.same(queue.of(1), ("error", "given up after 2 tries: still away"), "ends as an error")
    t.same(probe("poll"), "", "and is not tried again")
    probe.close()
    queue.clear()


def race(t, box, queue, slapd):
    count = 200
    for pid in range(count):
        queue.add(pid)
    probes = [Probe(box, slapd.uri) for _ in range(2)]
    for probe in probes:
        probe("unclaimed 1000")  # connected
    for probe in probes:
        probe.say("work")
    done = [[int(n) for n in probe.hear().split()] for probe in probes]
    t.same(sorted(done[0] + done[1]), list(range(count)), "of two agents with one name each of %d tasks is done by exactly one" % count)
    t.ok(all(done), "both had some: %d and %d" % (len(done[0]), len(done[1])))
    t.ok(all(part == sorted(part) for part in done), "in order")
    t.same(queue.slapd.search("-b", BRANCH, "(objectClass=ispmanProcesses)", "1.1"), "", "none is left")
    for pid in range(count):
        queue.add(pid, status="claimed", message=claim_of(-700))
    for probe in probes:
        probe.say("work")
    done = [[int(n) for n in probe.hear().split()] for probe in probes]
    t.same(sorted(done[0] + done[1]), list(range(count)), "so is each that is taken over")
    for probe in probes:
        t.same(probe.close(), 0, "the agent ended well")


def unclaimed(t, queue, probe):
    for pid, host in ((1, "mail1.isp.example"), (2, "mail1"), (3, "MAIL1"), (4, "web1.isp.example")):
        queue.add(pid, host=host)
    queue.add(5, host="web2.isp.example", message="try 1 failed, again after %s: x" % at(900))
    t.same(probe("unclaimed 600"), "", "tasks that are new just now wait for nobody")
    servers.wait_until(lambda: len(probe("unclaimed 1").split()) == 3, "tasks to be two seconds old")
    t.same(sorted(probe("unclaimed 1").split()), ["mail1.isp.example:1:ours", "mail1:2:others", "web1.isp.example:1:others"],
           "tasks that nobody took are told by host")
    queue.clear()


def rights(t, box, queue, slapd):
    queue.add(1)
    probe = Probe(box, slapd.uri, who="uid=nobody,ou=admins,o=ispman")
    t.same(probe("poll"), "1:0", "who may read sees the queue")
    answer = probe("claim")
    t.ok(answer.startswith("ERROR 1 ispmanPid=1,") and "Insufficient access" in answer, "who may not write is told so", answer)
    for pid in range(2, 8):
        queue.add(pid)
    t.same(probe("poll"), "1:0 2:0 3:0", "who may not see all gets what there is")
    probe.close()
    seen = subprocess.run([servers.find_tool("ldapsearch"), "-x", "-LLL", "-H", slapd.uri, "-D", AGENT, "-w", "agentpw", "-b", "o=ispman",
                           "(ispmanDomain=*)", "1.1"], capture_output=True, text=True).stdout
    t.same([line for line in seen.splitlines() if line.startswith("dn:") and BRANCH not in line], [],
           "the documented rights show nothing but the queue")
    queue.clear()


def certificate(box, name):
    """One that signs itself, for 127.0.0.1: (certificate file, key file)."""
    files = box.path(name + ".pem"), box.path(name + ".key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-out", files[0], "-keyout", files[1], "-days", "2",
                    "-subj", "/CN=" + name, "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    return files


def encrypted(t, box, queue, slapd, files):
    for pid in range(1, 200):
        queue.add(pid)
    with tcpproxy.Proxy(slapd.port) as proxy:
        probe = Probe(box, proxy.uri, "ca=" + certificate(box, "stranger")[0])
        in_time(t, lambda: probe("poll"), "^ERROR 11 .*certificate", "a server whose certificate nobody signed is refused")
        probe.close()
        for after in (None, 40, 20000):
            probe = Probe(box, proxy.uri, "ca=" + files[0])
            servers.wait_until(lambda: probe("poll").startswith("1:0 2:0 "), "the queue to be read")
            proxy.freeze(after)
            in_time(t, lambda: probe("poll"), "^ERROR 11 ", "StartTLS: a server that falls silent after %s octets" % after)
            in_time(t, lambda: probe("claim"), "^ERROR 11 ", "and stays so")
            proxy.thaw()
            servers.wait_until(lambda: probe("poll").startswith("1:0 2:0 "), "the queue to be read")
            t.same(probe.close(), 0, "and comes back")
    queue.clear()


def outages(t, box, queue, slapd):
    queue.add(1)
    with tcpproxy.Proxy(slapd.port) as proxy:
        probe = Probe(box, proxy.uri)
        t.same(probe("poll"), "1:0", "through a network")
        proxy.freeze()
        in_time(t, lambda: probe("poll"), "^ERROR 11 ", "a server that falls silent")
        in_time(t, lambda: probe("poll"), "^ERROR 11 ", "and does not answer new connections")
        proxy.thaw()
        servers.wait_until(lambda: probe("poll") == "1:0", "the queue to be read again")
        t.ok(True, "is asked again when it is back")
        t.same(probe("claim"), "1=1", "claimed")
        proxy.freeze()
        in_time(t, lambda: probe("done"), "^ERROR 11 ", "silent when a task is done")
        proxy.thaw()
        # The request may have reached slapd or not.
        servers.wait_until(lambda: probe("work") in ("1", "") and queue.of(1) is None, "the task to be done")
        t.ok(True, "it is done all the same")
        probe.close()

    queue.add(2)
    dead = servers.free_port()
    probe = Probe(box, "ldap://127.0.0.1:%d,%s" % (dead, slapd.uri))
    answers = [probe("poll"), probe("poll")]
    t.ok(re.search("^ERROR 11 .*Connection refused", answers[0]) and answers[1] == "2:0", "the next server is asked", answers)
    port = slapd.port
    slapd.stop()
    in_time(t, lambda: probe("poll"), "^ERROR 11 ", "slapd stopped")
    began = time.monotonic()
    for _ in range(20):
        probe("poll")
    t.ok(time.monotonic() - began < 5, "while servers are away most calls return at once", "%.1f s" % (time.monotonic() - began))
    slapd.start()
    t.same(slapd.port, port, "slapd is back")
    servers.wait_until(lambda: probe("poll") == "2:0", "the queue to be read again")
    t.ok(True, "and is asked again")
    # A connection that the server ended while it was idle is no trouble.
    slapd.stop()
    slapd.start()
    alone = Probe(box, slapd.uri)
    t.same(alone("poll"), "2:0", "connected")
    slapd.stop()
    slapd.start()
    t.same(alone("poll"), "2:0", "a server that was restarted between two polls is no trouble")
    t.same(alone.close(), 0, "the agent ended well")
    t.same(probe.close(), 0, "so did the other")


def main():
    lost = servers.missing("slapd", "ldapsearch", "openssl")
    if lost or not servers.built("tests/lib/tasks_probe"):
        tap.skip_all(lost or "tasks_probe is not built")
    t = tap.Tap()
    with servers.Sandbox("tasks") as box:
        files = certificate(box, "server")
        slapd = box.slapd(ldif=os.path.join(servers.SRCDIR, "tests/data/sample.ldif"), extra_database=documented_access(),
                          extra_global="TLSCACertificateFile %s\nTLSCertificateFile %s\nTLSCertificateKeyFile %s" % (files[0], *files))
        queue = Queue(slapd)
        for who in ("ispman-agent", "nobody"):
            queue.ldap.add("uid=%s,ou=admins,o=ispman" % who, [("objectClass", "ispmanSysadmin"), ("ou", "admins"), ("uid", who),
                                                               ("cn", who), ("ispmanSysadminLevel", "1"),
                                                               ("userPassword", "agentpw")])
        probe = Probe(box, slapd.uri)
        order_and_names(t, queue, probe)
        odd_tasks(t, queue, probe)
        claims(t, box, queue, slapd, probe)
        retries(t, box, queue, slapd)
        unclaimed(t, queue, probe)
        rights(t, box, queue, slapd)
        race(t, box, queue, slapd)
        t.same(probe.close(), 0, "the agent ended well")
        encrypted(t, box, queue, slapd, files)
        outages(t, box, queue, slapd)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
