# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""ispman-ftpauthd with an account environment that is written by hand, and a server of passwords that does what it is told.

    stage = FtpStage(box)
    stage.ask(account="ada@tern.example", password="adapw")
"""

import os
import subprocess
import sys
import traceback

import handed
import pureftpd
import servers

# Of tests/data/sample.ldif, as it is stored (tests/lib/login_text.h). %(home)s is a folder of the sandbox.
ACCOUNTS = """domain tern.example
domain wren.example
claim ada@tern.example 1 user own address
claim ada_tern_example 1 user own uid
claim bob@tern.example 2 user own address
claim cas@tern.example 3 user own address
claim cyrus 4 admin own uid
claim tern.example 5 domain own uid
claim twice@tern.example 1 user own address
claim twice@tern.example 2 user own address
claim wren.example 6 domain own uid
claim www.tern.example 7 vhost own uid
claim www.tern.example-8080 8 vhost own
claim www.tern.example:8080 8 vhost own uid
claim root@tern.example 9 user own address
claim group@tern.example 10 user own address
claim homeless@tern.example 11 user own address
claim relative@tern.example 12 user own address
claim up@tern.example 13 user own address
claim jail@tern.example 14 user own address
entry 1 user ada_tern_example domain=tern.example uidnumber=10006 gidnumber=10001 home=%(home)s/ada quota=10485760
entry 2 user bob_tern_example domain=tern.example uidnumber=10007 gidnumber=10001 home=%(home)s/bob quota=1048576 quota-files=3 upload=204800 download=102400 upload-ratio=1 download-ratio=5
entry 3 user cas_tern_example domain=tern.example uidnumber=10008 gidnumber=10001 home=%(home)s/cas suspended ftp-refused
entry 4 admin cyrus
entry 5 domain tern.example domain=tern.example uidnumber=10001 gidnumber=10001 home=%(home)s/tern.example quota=26214400
entry 6 domain wren.example domain=wren.example uidnumber=10003 gidnumber=10003 home=%(home)s/wren ftp-refused
entry 7 vhost www domain=tern.example uidnumber=10009 gidnumber=10001 home=%(home)s/tern.example/vhosts/www
entry 8 vhost www:8080 domain=tern.example uidnumber=10010 gidnumber=10001 home=%(home)s/tern.example/vhosts/www:8080
entry 9 user root uidnumber=0 gidnumber=10001 home=%(home)s/root
entry 10 user group uidnumber=10011 gidnumber=0 home=%(home)s/root
entry 11 user homeless uidnumber=10012 gidnumber=10001
entry 12 user relative uidnumber=10013 gidnumber=10001 home=home/relative
entry 13 user up uidnumber=10014 gidnumber=10001 home=%(home)s/../../etc
entry 14 user jail uidnumber=10015 gidnumber=10001 home=%(home)s/tern.example/./vhosts/www
"""
# What their owners type.
PASSWORDS = {name + "@tern.example": name + "pw"
             for name in ("ada", "bob", "cas", "twice", "root", "group", "homeless", "relative", "up", "jail")}
PASSWORDS.update({"ada_tern_example": "adapw", "tern.example": "ternpw", "wren.example": "wrenpw", "www.tern.example": "wwwpw",
                  "www.tern.example:8080": "apppw", "www.tern.example-8080": "apppw", "cyrus": "cyruspw"})
FOLDERS = {"ada": 10006, "bob": 10007, "cas": 10008, "tern.example": 10001, "tern.example/vhosts": 10001,
           "tern.example/vhosts/www": 10009, "tern.example/vhosts/www:8080": 10010}


def missing():
    for program in ("ftpauth/ispman-ftpauthd", "tests/lib/write_login"):
        if not servers.built(program):
            return program + " is not built"
    return None


def run(t, check, name="ftpauth"):
    """CHECK(t, box) in a sandbox of its own, if the arguments name it or none at all."""
    if sys.argv[1:] and check.__name__ not in sys.argv[1:]:
        return
    try:
        with servers.Sandbox(name) as box:
            check(t, box)
    except Exception:
        t.ok(False, check.__name__ + " came to its end", traceback.format_exc())


class Ftpauthd(handed.Handed):
    """ispman-ftpauthd."""

    def __init__(self, box, command, path, inherited=False):
        self.path = path
        super().__init__(box, "ftpauthd", command, [path], inherited, mode=0o600)

    def start(self):
        self.spawn()
        self.wait_log("answering")
        return self


class FtpStage:
    """SETTINGS of [ftpauth], with underscores. CHECKS: the server of passwords, a pureftpd.Mux unless it is given."""

    def __init__(self, box, inherited=False, answer=None, start=True, accounts=ACCOUNTS, **settings):
        self.box = box
        os.chmod(box.folder, 0o755)
        self.cache, self.run_dir, self.home = box.path("cache"), box.path("run"), box.path("home")
        os.makedirs(self.run_dir + "/metrics/account", exist_ok=True)
        self.write(accounts)
        self.mux_path = box.path("mux")
        self.mux = pureftpd.Mux(self.mux_path, PASSWORDS, answer)
        self.path = box.path("extauth")
        self.settings = {"listen": "unix:%s,mode=0600" % self.path, "saslauth-socket": self.mux_path}
        self.settings.update({key.replace("_", "-"): value for key, value in settings.items()})
        self.daemon = Ftpauthd(box, self.command(), self.path, inherited)
        if start:
            self.daemon.start()

    def write(self, accounts):
        subprocess.run([servers.built("tests/lib/write_login"), self.cache + "/account/1", "account"],
                       input=accounts % {"home": self.home}, text=True, check=True)

    def command(self):
        words = [servers.built("ftpauth/ispman-ftpauthd"), "-vv", "-c", "/dev/null", "-o", "ispman.cache-dir=" + self.cache,
                 "-o", "ispman.run-dir=" + self.run_dir]
        for key, value in self.settings.items():
            words += ["-o", "ftpauth.%s=%s" % (key, value)]
        return words

    def make_homes(self):
        """As the agent makes them. Root only."""
        os.makedirs(self.home, exist_ok=True)
        for name, uid in FOLDERS.items():
            path = os.path.join(self.home, name)
            os.makedirs(path, exist_ok=True)
            os.chown(path, uid, 10001)
            os.chmod(path, 0o755)

    def ask(self, account, password, **values):
        return pureftpd.ask(self.path, account=account, password=password, **values)

    def verdict(self, account, password, **values):
        return self.ask(account, password, **values).get("auth_ok")
