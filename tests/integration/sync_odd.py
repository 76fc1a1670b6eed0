#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""What OpenLDAP never says, but another server, a broken one, or one in trouble may."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import fakeldap   # noqa: E402
import servers    # noqa: E402
import syncprobe  # noqa: E402
import tap        # noqa: E402
from fakeldap import BASE_UUID, done, entry, refresh_delete, refresh_present, result, state  # noqa: E402

A, B = ("%s-0000-0000-0000-000000000000" % (c * 8) for c in "ab")
CSN = "20260101000000.00000%d#000000#000#000000".replace("#", "Z#", 1)
BASE = entry("o=x", {"o": ["x"]})


def follow(box, server, **options):
    known = dict(uri=server.uri, base="o=x", timeout=2)
    known.update(options)
    return syncprobe.Probe(box, **known)


class Steps(fakeldap.Server):
    """Each synchronising search is answered by the next of the functions."""

    def __init__(self, *steps):
        self.steps, self.cookies = list(steps), []
        super().__init__()

    def sync(self, client, id, cookie):
        self.cookies.append(cookie)
        step = self.steps.pop(0) if self.steps else healthy
        step(client, id)


def healthy(client, id):
    client.send(id, BASE, state(1, BASE_UUID))
    client.send(id, entry("ou=a,o=x", {"ou": ["a"]}), state(1, A))
    client.send(id, refresh_present("good"))


def up_to_date(client, id):
    client.send(id, refresh_delete())


def recovers(t, box, name, *steps, said, **options):
    """STEPS are odd; said is what is told of the last of them; then all is well."""
    server = Steps(*steps)
    probe = follow(box, server, **options)
    probe.wait_said(*said)
    probe.wait_refresh(deadline=30)
    t.same(probe.model.dns(), {BASE_UUID: "o=x", A: "ou=a,o=x"}, name)
    return server, probe


def entry_without_control(client, id):
    client.send(id, BASE)


def unreadable_control(client, id):
    client.send(id, BASE, fakeldap.control(fakeldap.SYNC + "2", b"\x30\x03abc"))


def unreadable_info(client, id):
    client.send(id, BASE, state(1, BASE_UUID))
    client.send(id, fakeldap.info(b"\xa5\x00"))


def unreadable_message(client, id):
    client.socket.sendall(b"HTTP/1.1 400 Bad Request\r\n" * 20)


def enormous_message(client, id):
    client.socket.sendall(b"\x30\x84\x7f\xff\xff\x00\x02\x01\x05")


def unreadable_entry(client, id):
    client.send(id, fakeldap.tlv(0x64, fakeldap.octets("o=x"), fakeldap.tlv(0x30, b"\x30\x02\x05\x00")),
                state(1, BASE_UUID))


def ends_early(client, id):
    client.send(id, BASE, state(1, BASE_UUID))
    client.send(id, result(0))


def busy(client, id):
    client.send(id, result(51, "come back later"))


def disconnects(client, id):
    client.send(id, BASE, state(1, BASE_UUID))
    client.send(0, fakeldap.notice_of_disconnection(52, "going down"))


def two_refreshes(client, id):
    healthy(client, id)
    client.send(id, refresh_present("again"))


def oddities(t, box):
    for name, step, said in (
            ("an entry without a control", entry_without_control, "without a sync state control"),
            ("a control that cannot be read", unreadable_control, "state control that cannot be read"),
            ("an info message that cannot be read", unreadable_info, "info message that cannot be read"),
            ("an entry that cannot be read", unreadable_entry, "a message that cannot be read"),
            ("no LDAP", unreadable_message, "a message that cannot be read"),
            ("a message of 2 GB", enormous_message, "closed the connection"),
            ("a search that ends early", ends_early, "before the refresh was complete"),
            ("a busy server", busy, "busy or shutting down (51 busy: come back later)"),
            ("a notice of disconnection", disconnects, "busy or shutting down (52 unavailable: going down)")):
        # libldap loses the text of a notice of disconnection (2.5.13).
        options = {"env": {"ASAN_OPTIONS": "detect_leaks=0"}} if step is disconnects else {}
        server, probe = recovers(t, box, name, step, said=(said,), **options)
        t.ok("abort" in probe.lines, name + ": the refresh is aborted")
        probe.stop()
        server.close()


def refresh_required(t, box):
    def stale(client, id):
        client.send(id, result(4096, "sync cookie is stale"))

    server = Steps(healthy, stale)
    probe = follow(box, server, state=box.path("state"))
    probe.wait_refresh()
    probe.stop()
    probe.start()
    t.same(probe.wait_refresh(), "sweep", "e-syncRefreshRequired leads to a full refresh")
    t.same(server.cookies[-1], None, "asked for without a cookie")
    probe.stop()

    server = Steps(stale, stale, healthy)
    probe = follow(box, server)
    probe.wait_said("cannot go on from where we left off")
    t.same(probe.wait_refresh(), "sweep", "a server that says so without having got a cookie is tried again later")


def pushed_4096(t, box):
    def later(client, id):
        healthy(client, id)
        client.send(id, result(4096, "search base has changed"))

    server = Steps(later)
    probe = follow(box, server)
    probe.wait_refresh()
    probe.wait_line("^begin full")
    t.same(probe.wait_refresh(), "sweep", "e-syncRefreshRequired among the changes as well")


def a_server_that_does_not_persist(t, box):
    def once(client, id):
        client.send(id, BASE, state(1, BASE_UUID))
        client.send(id, entry("ou=a,o=x", {"ou": ["a"]}), state(1, A))
        client.send(id, result(0), done("one"))

    def again(client, id):
        client.send(id, entry("ou=b,o=x", {"ou": ["b"]}), state(1, B))
        client.send(id, entry("ou=a,o=x", {}), state(3, A))
        client.send(id, result(0), done("two", deletes=True))

    server = Steps(once, again)
    probe = follow(box, server)
    t.same(probe.wait_refresh(), "sweep", "a server that ends the search is still of use")
    probe.wait_said("ended the search")
    t.same(probe.wait_refresh(), "done", "it is asked again")
    t.same((probe.model.dns(), server.cookies[:2]), ({BASE_UUID: "o=x", B: "ou=b,o=x"}, [None, "one"]),
           "and the changes are taken")


def present_then_delete(t, box):
    def both(client, id):
        client.send(id, entry("o=x", {}), state(0, BASE_UUID))
        client.send(id, refresh_present("middle", complete=False))
        client.send(id, entry("ou=b,o=x", {"ou": ["b"]}), state(1, B))
        client.send(id, refresh_delete("end"))

    server = Steps(healthy, both)
    probe = follow(box, server, state=box.path("state"))
    probe.wait_refresh()
    probe.stop()
    probe.start()
    t.same(probe.wait_refresh(), "sweep", "a present phase followed by a delete phase sweeps")
    t.same(probe.model.dns(), {BASE_UUID: "o=x", B: "ou=b,o=x"}, "what was not named")
    probe.stop()
    with open(box.path("state"), "rb") as f:
        t.ok(f.read().startswith(b"1 end\n"), "the last cookie is kept")
    server.steps = [up_to_date]
    probe.start()
    t.same(probe.wait_refresh(), "done", "an end without a cookie and without changes")
    probe.stop()
    with open(box.path("state"), "rb") as f:
        t.ok(f.read().startswith(b"1 end\n"), "leaves the cookie as it is")


def a_search_that_died_inside(t, box):
    def stuck(client, id):
        client.send(id, BASE, state(1, BASE_UUID))
        client.send(id, refresh_present("rid=000,csn=" + CSN % 1))

    server = Steps(stuck, stuck, stuck)
    server.context_csn = [CSN % 1]
    probe = follow(box, server, probe_interval=1)
    probe.wait_refresh()
    servers.wait_until(lambda: int(probe.status()["messages"]) > 4, "probes")
    t.same(probe.status()["behind"], "0", "a server that told everything is not behind")
    server.context_csn = [CSN % 2]
    servers.wait_until(lambda: probe.status()["behind"] == "1", "behind")
    t.ok(True, "one that has more than it sent is")
    probe.wait_said("changes that it has not sent")
    probe.wait_refresh()
    t.same(server.cookies[1], "rid=000,csn=" + CSN % 1, "after a while it is asked anew, from the same cookie")


def main():
    if not servers.built(syncprobe.PROGRAM):
        tap.skip_all("sync_probe is not built")
    t = tap.Tap()
    for test in (oddities, refresh_required, pushed_4096, a_server_that_does_not_persist, present_then_delete,
                 a_search_that_died_inside):
        with servers.Sandbox("sync") as box:
            test(t, box)
    sys.exit(t.done())


main()
