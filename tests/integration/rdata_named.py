#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""cache/rdata.c judges record text exactly as named does, and keeps its meaning.

Every line of a generated corpus is shown to named-checkzone and to cache/rdata.c: they must agree.
What both accept goes to named-compilezone four times: as it was, normalised, normalised under
another origin, and as the octets that cache/rdata.c took it for. The results must be one.

RDATA_LINES sets how many lines a type (120), RDATA_SEED the seed.
"""

import collections
import os
import random
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import rdata_corpus  # noqa: E402
import tap  # noqa: E402

CHECK = ["named-checkzone", "-k", "ignore", "-n", "ignore", "-M", "ignore", "-m", "ignore", "-S", "ignore", "-W", "ignore",
         "-r", "ignore", "-i", "none", "-T", "ignore"]
ORIGIN, OTHER, LONG = "alpha.test.", "other.test.", "a-longer-origin-than-the-others.test."
HEAD = "$TTL 300\n@ IN SOA ns. h. 1 2 3 4 5\n@ IN NS ns.\n"
HEAD_LINES = 3
# Types that named does not compare name by name: case is data there.
FOLDED = set("NS CNAME SOA MB MG MR PTR MINFO MX RP AFSDB RT NSAP-PTR SIG PX NXT SRV NAPTR KX A6 DNAME RRSIG".split())
# The RRSIG rule about the signer's labels came to 9.18 late; where it is missing, this says so.
YOUNG_RULE = ("RRSIG", "A 13 0 1 0 0 1 a. AAAA")
# Not wrong data: a SOA may only stand at the apex, an old signature is a warning.
HARMLESS = re.compile(r"SOA record not at top of zone|signature has expired|old style DNSSEC")


def named(folder, zone, origin, tool="named-checkzone", out=None):
    path = os.path.join(folder, "zone")
    with open(path, "w", encoding="latin-1", newline="\n") as f:
        f.write(zone)
    command = [tool] + CHECK[1:] + (["-o", out] if out else []) + [origin, path]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode("latin-1")


def spills(text):
    """Whether TEXT may swallow the lines that follow it in a zone file, or spoil the whole."""
    if len(text) > 60000:
        return True
    if not any(c in text for c in "()\"\\"):
        return False
    if text.endswith("\\") or text.endswith('"') and "\\" in text:
        return True
    if '"' in text and any(c in text for c in "()"):
        return True
    depth, i = 0, 0
    while i < len(text) and text[i] != ";":
        if text[i] == "\\":
            i += 1
        elif text[i] == "(":
            depth += 1
        elif text[i] == ")":
            depth -= 1
            if depth < 0:
                return True
        i += 1
    return depth != 0


def ask_named(folder, lines):
    """What named-checkzone thinks of each (type, text)."""
    accepted = [True] * len(lines)
    together, at = [HEAD], {}
    row = HEAD_LINES
    for n, (rrtype, text) in enumerate(lines):
        if spills(text):
            status, said = named(folder, HEAD + "x IN %s %s\n" % (rrtype, text), ORIGIN)
            wrong = [line for line in said.splitlines() if re.search(r"zone:\d+:", line) and not HARMLESS.search(line)]
            accepted[n] = status == 0 or (rrtype == "SOA" and not wrong)
            continue
        # The empty line after is what named skips after a SOA below the apex.
        together.append("r%d IN %s %s\n\n" % (n, rrtype, text))
        at[row + 1] = n
        row += 2
    _, said = named(folder, "".join(together), ORIGIN)
    for line in said.splitlines():
        found = re.search(r"zone:(\d+):", line)
        if found and not HARMLESS.search(line):
            row = int(found.group(1))
            accepted[at[row] if row in at else at[row - 1]] = False
    return accepted


def ask_ours(program, lines, origin):
    given = "".join("%s\t%s\n" % line for line in lines).encode("latin-1")
    out = subprocess.run([program, origin], input=given, stdout=subprocess.PIPE, check=True).stdout.decode("latin-1")
    answers = [line.split("\t") for line in out.split("\n")[:-1]]
    assert len(answers) == len(lines), "%d answers for %d lines" % (len(answers), len(lines))
    return answers


def compile_zone(folder, lines, origin):
    """Owner to canonical record, as named writes the zone out."""
    zone = HEAD + "".join("r%d IN %s %s\n" % (n, rrtype, text) for n, (rrtype, text) in lines)
    out = os.path.join(folder, "compiled")
    status, said = named(folder, zone, origin, "named-compilezone", out)
    if status != 0:
        raise AssertionError("named-compilezone: " + said[:2000])
    result = {}
    with open(out, encoding="latin-1") as f:
        for line in f:
            found = re.match(r"r(\d+)\.\S+\s+300 IN (.*)", line)
            if found:
                result[int(found.group(1))] = found.group(2)
    return result


def compile_soa(folder, text, origin):
    out = os.path.join(folder, "compiled")
    status, said = named(folder, "$TTL 300\n@ IN SOA %s\n@ IN NS ns.\n" % text, origin, "named-compilezone", out)
    if status != 0:
        raise AssertionError("named-compilezone: " + said[:2000])
    with open(out, encoding="latin-1") as f:
        return f.readline()


def agree(t, folder, program, lines, what):
    """Asks both; returns the lines that both accept, with our answers."""
    theirs, ours = ask_named(folder, lines), ask_ours(program, lines, ORIGIN)
    old = ask_named(folder, [YOUNG_RULE])[0]
    count = collections.defaultdict(lambda: [0, 0])
    wrong, good = [], []
    for line, their, our in zip(lines, theirs, ours):
        mine = our[0] == "ok"
        count[line[0]][0 if their else 1] += 1
        if mine != their and not (old and line[0] == "RRSIG" and "labels" in our[1]):
            wrong.append("%s %r: named %s, ours %s" % (line[0], line[1][:300], "accepts" if their else "refuses", our[:2]))
        elif mine and their:
            good.append((line, our))
        elif not mine and not our[1]:
            wrong.append("%s %r: refused without a word" % line)
    for rrtype, (yes, no) in sorted(count.items()):
        tap.say("%s %s: %d accepted, %d refused" % (what, rrtype, yes, no))
    t.ok(not wrong, "named-checkzone and cache/rdata.c agree on %d lines (%s)" % (len(lines), what),
         "%d disagreements\n%s" % (len(wrong), "\n".join(wrong[:40])))
    return good


def same_meaning(t, folder, good, what):
    plain = [(n, line) for n, (line, _) in enumerate(good) if line[0] != "SOA" and not spills(line[1])]
    normal = [(n, (good[n][0][0], good[n][1][1])) for n, _ in plain]
    wrong = []
    for origin in (ORIGIN, OTHER):
        # What was too long to follow the origin is not among these: the origins are equally long.
        before, after = compile_zone(folder, plain, origin), compile_zone(folder, normal, origin)
        if len(before) != len(plain):
            wrong.append("%d of %d records came out under %s" % (len(before), len(plain), origin))
        for n in before:
            if before[n] != after.get(n):
                wrong.append("under %s %r: %r became %r" % (origin, good[n][0], before[n][:200], after.get(n, "")[:200]))
    for (rrtype, text), our in good:
        if rrtype == "SOA":
            for origin in (ORIGIN, OTHER):
                if compile_soa(folder, text, origin) != compile_soa(folder, our[1], origin):
                    wrong.append("SOA %r under %s became %r" % (text, origin, our[1]))
    t.ok(not wrong, "normalised text means the same, under another origin too (%s, %d records)" % (what, len(good)),
         "\n".join(wrong[:40]))


def same_octets(t, folder, program, good):
    """The octets that we took the text for, given to named, are the record that it took it for."""
    forms = [(line[0], "\\# %d %s" % (len(our[3]) // 2, our[3])) for line, our in good]
    keep = [n for n, answer in enumerate(ask_ours(program, forms, ORIGIN))
            if answer[0] == "ok" and forms[n][0] != "SOA" and not spills(good[n][0][1])]
    before = compile_zone(folder, [(n, good[n][0]) for n in keep], ORIGIN)
    after = compile_zone(folder, [(n, forms[n]) for n in keep], ORIGIN)
    wrong = []
    for n in keep:
        x, y = before[n], after[n]
        if forms[n][0] in FOLDED:
            x, y = x.lower(), y.lower()
        if x != y:
            wrong.append("%r: %r, octets %r" % (good[n][0], x[:200], y[:200]))
    t.ok(not wrong, "the octets are those that named would send (%d records)" % len(keep), "\n".join(wrong[:40]))


def fixed_point(t, program, good):
    again = ask_ours(program, [(line[0], our[1]) for line, our in good], ORIGIN)
    wrong = ["%r: %r became %r" % (line, our[1:], other[1:]) for (line, our), other in zip(good, again) if our != other]
    t.ok(not wrong, "normalised text is a fixed point", "\n".join(wrong[:20]))


def relative_length(t, program, good):
    """What a longer origin leaves usable is what the length of the longest relative name says."""
    wrong = []
    answers = ask_ours(program, [line for line, _ in good], LONG)
    for (line, our), answer in zip(good, answers):
        fits = int(our[2]) + len(LONG) + 1 <= 255
        if (answer[0] == "ok") != fits:
            wrong.append("%r: relative %s, but %s" % (line, our[2], answer[:2]))
    t.ok(not wrong, "the length of relative names tells whether another origin fits", "\n".join(wrong[:20]))


def main():
    program = os.path.join(os.environ.get("ISPMAN_BUILDDIR", "."), "tests/integration/rdata_check")
    for tool in (["named-checkzone", "-v"], ["named-compilezone", "-v"]):
        try:
            version = subprocess.run(tool, stdout=subprocess.PIPE, check=True).stdout.decode().strip()
        except (OSError, subprocess.CalledProcessError):
            tap.skip_all("no %s here" % tool[0])
    seed = int(os.environ.get("RDATA_SEED", "1"))
    a_type = int(os.environ.get("RDATA_LINES", "120"))
    tap.say("named-checkzone %s, seed %d, %d lines a type" % (version, seed, a_type))
    rng = random.Random(seed)
    t = tap.Tap()
    with tempfile.TemporaryDirectory(prefix="rdata_named.") as folder:
        good = agree(t, folder, program, rdata_corpus.text_lines(rng, a_type), "text")
        same_meaning(t, folder, good, "text")
        same_octets(t, folder, program, good)
        fixed_point(t, program, good)
        relative_length(t, program, good)
        forms = [rdata_corpus.generic_lines(rng, line[0], bytes.fromhex(our[3])) for line, our in good]
        good = agree(t, folder, program, forms, "generic")
        same_meaning(t, folder, good, "generic")
        fixed_point(t, program, good)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
