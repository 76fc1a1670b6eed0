# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""ispman-cached with a tree that is in slapd or in an LDIF file: what the stages of the daemons share."""

import json
import os
import signal

import stage


class TreeSource:
    def serve_tree(self, box, tree, slapd, settings, start=True, **slapd_options):
        self.box, self.tree, self.directory = box, tree, None
        if slapd:
            self.directory = stage.Stage(box, tree, settings=settings, named=False, start=start, **slapd_options)
            self.cached = self.directory.cached
        else:
            self.ldif = box.path("tree.ldif")
            self._write()
            self.cached = box.cached(source="ldif:" + self.ldif, settings=settings, start=start)

    def push(self):
        """The tree as it is now becomes the directory, and the answers."""
        if self.directory is not None:
            self.directory.push()
        else:
            self._write()
            self.cached.send(signal.SIGHUP)
        self.cached.wait()

    def _write(self):
        # ispman-cached refuses a file that holds passwords and is readable by everybody.
        mask = os.umask(0o077)
        self.tree.write(self.ldif)
        os.umask(mask)

    def problems(self):
        return json.loads(self.cached.ctl("problems", "--json").stdout)
