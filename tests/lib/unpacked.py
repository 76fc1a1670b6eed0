# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Programs of packages that are unpacked beside the system's instead of being installed: a mail store, an FTP server and other
servers would conflict with what a machine has, and would be started.

$ISPMAN_UNPACKED_ROOT says where; else it is where ./run-tests unpacks, beside the build folder."""

import glob
import os

import servers

ROOT = os.environ.get("ISPMAN_UNPACKED_ROOT") or os.path.join(os.path.dirname(os.path.abspath(servers.BUILDDIR)),
                                                              "unpacked/root")


def find(path):
    """Where an absolute PATH of a package is: as installed, or unpacked; None when nowhere."""
    for place in (path, ROOT + path):
        if os.path.exists(place):
            return place
    return None


def environment(program):
    """What PROGRAM needs to find its libraries."""
    if not program.startswith(ROOT + "/"):
        return {}
    folders = sorted({os.path.dirname(p) for p in glob.glob(ROOT + "/usr/lib/*/*.so.*") + glob.glob(ROOT + "/lib/*/*.so.*")})
    return {"LD_LIBRARY_PATH": ":".join(folders + [f for f in [os.environ.get("LD_LIBRARY_PATH")] if f])}
