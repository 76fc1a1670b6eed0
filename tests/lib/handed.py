# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""A daemon that may be handed its listening sockets, as a service manager does."""

import os
import socket
import subprocess

import servers


class Handed(servers.Server):
    """A daemon of ours. INHERITED: it is handed the listening sockets at PATHS, of MODE, which outlive it."""

    def __init__(self, box, name, command, paths, inherited=False, mode=0o666):
        self.paths, self.listeners = list(paths), []
        if inherited:
            for path in self.paths:
                listener = socket.socket(socket.AF_UNIX)
                listener.bind(path)
                os.chmod(path, mode)
                listener.listen(socket.SOMAXCONN)
                self.listeners.append(listener)
            # Descriptors from 3 on, and the process that they are meant for.
            taken = " ".join("%d<&%d" % (3 + i, s.fileno()) for i, s in enumerate(self._clear_of_targets()))
            command = ["/bin/bash", "-c", 'LISTEN_FDS=%d LISTEN_PID=$$ exec "$@" %s' % (len(self.paths), taken), "-"] + command
        super().__init__(box, box._unique(name), command)
        box.servers.append(self)

    def _clear_of_targets(self):
        """The listeners, none at a descriptor that bash is about to give to another one."""
        for i, listener in enumerate(self.listeners):
            kept = []
            while listener.fileno() < 16:
                kept.append(listener)
                listener = listener.dup()
            self.listeners[i] = listener
            for s in kept:
                s.close()
        return self.listeners

    def spawn(self):
        with open(self.log_path, "ab") as log:
            self.log_start = log.tell()
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.box.folder,
                                            pass_fds=[s.fileno() for s in self.listeners],
                                            preexec_fn=servers._die_with_parent)
