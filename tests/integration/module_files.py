# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""What named does while files of the cache come, go, are replaced, or cannot be read.

It starts without them, says once what is the matter, and answers as soon as it can.
"""

import os
import pwd
import shutil
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import dnsclient
import dnstext
import servers
import tap

USER = "nobody"


def text(address):
    return dnstext.zone("tern.test", 1, "@ NS - ns.outside.invalid.", "www A - " + address)


class Scene:
    """One named on a cache of its own, as a user who is not root: to root no file is unreadable."""

    def __init__(self, box, name, arguments="", zones=""):
        self.cache_dir = box.path(name + "-cache")
        os.makedirs(self.cache_dir)
        self.named = box.named(dlz=self.cache_dir, name=name, zones=zones, start=False,
                               options="minimal-responses yes;",
                               dlz_arguments="run-dir=" + box.path("run") + arguments)
        if os.geteuid() == 0:
            user = pwd.getpwnam(USER)
            os.chown(box.path(self.named.name + "-run"), user.pw_uid, user.pw_gid)
            self.named.command += ["-u", USER]

    def path(self, *parts):
        return os.path.join(self.cache_dir, "dns", *parts)

    def fill(self, address):
        dnstext.fill(self.cache_dir, text(address))
        self.open_up()

    def open_up(self):
        """What the group that reads it is for, in a real installation."""
        for folder in (self.path(), self.path("2")):
            os.chmod(folder, 0o755)
        os.chmod(self.path("2", "data.mdb"), 0o644)
        os.chmod(self.path("2", "lock.mdb"), 0o666)

    def answer(self):
        message = self.named.query("www.tern.test", "A", timeout=5)
        return message.answers()[0] if message.answer else message.rcode

    def comes_to(self, want):
        servers.wait_until(lambda: self.answer() == want, "%s to answer %s" % (self.named.name, want), 20)

    def count(self, words):
        return self.named.log().count(words)


def without_files(t, box):
    scene = Scene(box, "without")
    scene.named.start()
    t.same(scene.answer(), "SERVFAIL", "without a cache it starts and cannot tell")
    t.ok(scene.count("the cache cannot be used, queries get SERVFAIL until it can") == 1, "which is said once",
         scene.named.log())
    t.ok("data.mdb: open: No such file or directory" in scene.named.log(), "with the reason", scene.named.log())
    for _ in range(20):
        scene.answer()
    t.same(scene.count("cannot be used"), 1, "and not for each query")
    scene.fill("192.0.2.1")
    t.case("when the cache is there it answers", scene.comes_to, "A 192.0.2.1")
    t.same(scene.count("can be used again"), 1, "and says so")


def without_right(t, box):
    scene = Scene(box, "right")
    scene.fill("192.0.2.1")
    os.chmod(scene.path("2", "lock.mdb"), 0o600)
    scene.named.start()
    t.same(scene.answer(), "SERVFAIL", "a lock file that it may not write: cannot tell")
    t.ok("Permission denied" in scene.named.log(), "the log says what is denied", scene.named.log())
    os.chmod(scene.path("2", "lock.mdb"), 0o666)
    t.case("with the right it answers", scene.comes_to, "A 192.0.2.1")


def without_lock(t, box):
    scene = Scene(box, "lock")
    scene.fill("192.0.2.1")
    os.rename(scene.path("2", "lock.mdb"), scene.path("2", "kept"))
    scene.named.start()
    t.same(scene.answer(), "SERVFAIL", "without a lock file it cannot tell")
    t.ok(not os.path.exists(scene.path("2", "lock.mdb")), "and makes none that its writer could not use")
    os.rename(scene.path("2", "kept"), scene.path("2", "lock.mdb"))
    t.case("with it, it answers", scene.comes_to, "A 192.0.2.1")


def replaced(t, box):
    scene = Scene(box, "replaced")
    scene.fill("192.0.2.1")
    scene.named.start()
    t.same(scene.answer(), "A 192.0.2.1", "it answers from the files that are there")
    wrong = []
    stopped = threading.Event()

    def ask():
        while not stopped.is_set():
            got = scene.answer()
            if not got.startswith("A 192.0.2."):
                wrong.append(got)

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        for i in range(2, 6):
            # Away, and made anew at leisure, as after "rm -r" and a start of ispman-cached.
            shutil.rmtree(scene.path("2"))
            dnstext.fill(scene.cache_dir, text("192.0.2.99") + "incomplete\n")
            scene.open_up()
            scene.fill("192.0.2.%d" % i)
            t.case("replaced files are taken, round %d" % i, scene.comes_to, "A 192.0.2.%d" % i)
        # A copy put in its place while it is open.
        shutil.copytree(scene.path("2"), scene.path("copy"))
        os.rename(scene.path("2"), scene.path("old"))
        os.rename(scene.path("copy"), scene.path("2"))
        os.chmod(scene.path("2", "lock.mdb"), 0o666)
        scene.fill("192.0.2.77")
        t.case("so is a copy", scene.comes_to, "A 192.0.2.77")
    finally:
        stopped.set()
        asker.join()
    t.same(wrong[:5], [], "there was an answer all the time, and none from half a cache")
    maps = subprocess.run(["grep", "-c", "data.mdb (deleted)", "/proc/%d/maps" % scene.named.pid],
                          capture_output=True, text=True).stdout
    tap.say("deleted files still mapped: " + maps)
    t.ok(int(maps or 0) <= 2, "old files are let go", maps)


def other_layout(t, box):
    scene = Scene(box, "layout")
    dnstext.fill(scene.cache_dir, "version 9\n" + text("192.0.2.1"))
    scene.open_up()
    scene.named.start()
    t.same(scene.answer(), "SERVFAIL", "values of another layout are not read")
    t.ok("another version's layout" in scene.named.log(), "which is said", scene.named.log())
    scene.fill("192.0.2.1")
    t.case("in ours they are", scene.comes_to, "A 192.0.2.1")


def native_zones(t, box):
    path = box.write("zone-native.test", "$TTL 60\n@ SOA ns.outside.invalid. host.outside.invalid. 1 1 1 1 1\n"
                     "@ NS ns.outside.invalid.\nwww A 192.0.2.7\n")
    os.chmod(path, 0o644)
    zones = 'zone "native.test" { type primary; file "%s"; };\n' % path
    for arguments, want in (("", "SERVFAIL"), (" when-unusable=servfail", "SERVFAIL"), (" when-unusable=refuse", "REFUSED")):
        scene = Scene(box, "native", arguments, zones)
        scene.named.start()
        t.same(scene.named.query("www.native.test", "A").answers(), ["A 192.0.2.7"],
               "named's own zone is answered without a cache" + arguments)
        t.same(scene.named.query("no.native.test", "A").rcode, "NXDOMAIN", "also where it has no such name" + arguments)
        t.same(scene.answer(), want, "other names are %s%s" % (want, arguments))
        box.release(scene.named)
        shutil.rmtree(scene.cache_dir)


def wrong_arguments(t, box):
    for arguments, want in (("cachedir=/x", "argument cachedir=/x is not known; there are allow-transfer=, cache-dir="),
                            ("allow-transfer=any", "must be none, view, or addresses")):
        server = box.named(dlz=box.path("nowhere"), name="wrong", start=False, dlz_arguments=arguments)
        server.spawn()
        servers.wait_until(lambda: not server.running(), "named to end", 20)
        t.ok(server.process.returncode != 0 and want in server.log(), "%s keeps named from starting" % arguments,
             server.log())
        box.release(server)


def main():
    t = tap.Tap()
    lack = servers.missing("named", "module")
    if lack or not servers.built(dnstext.PROGRAM):
        tap.skip_all(lack or dnstext.PROGRAM + " is not built")
    with servers.Sandbox("module-files") as box:
        for part in (without_files, without_right, without_lock, replaced, other_layout, native_zones,
                     wrong_arguments):
            t.case(part.__name__ + " came to its end", part, t, box)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
