# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Random valid data for every record type that named reads, for the differential test.

Data is a list of parts: text, and Name objects where a domain name stands. So one value can be
written as the directory holds it (relative names, escapes of many spellings) and as a native zone
file wants it (absolute names), also for a replica's origin.
"""

import base64
import ipaddress

import dnsclient


class Name:
    """A name in data. Relative ones follow the zone's origin; DOTLESS writes an absolute name
    without its dot, which ISPMan's NS, MX and SOA values mean as absolute."""
    __slots__ = ("labels", "relative", "dotless")

    def __init__(self, labels, relative=False, dotless=False):
        self.labels, self.relative, self.dotless = tuple(labels), relative, dotless

    def absolute(self, origin):
        return self.labels + origin if self.relative else self.labels

    def native(self, origin):
        return dnsclient.name_text(self.absolute(origin))

    def ldap(self, rng):
        if self.relative and not self.labels:
            return "@"
        text = ".".join(spell_label(label, rng) for label in self.labels)
        return text if self.relative or self.dotless else text + "."


def spell_label(label, rng):
    """A label as master-file text, now and then in an unusual but equal spelling."""
    if rng.random() > 0.15:
        return dnsclient.label_text(label)
    out = []
    for c in label:
        form = rng.randrange(4)
        if form == 0 or c < 0x21 or c > 0x7E:
            out.append("\\%03d" % c)
        elif chr(c) in '".;\\()@$' or (form == 1 and not chr(c).isdigit()):
            out.append("\\" + chr(c))
        else:
            out.append(chr(c))
    return "".join(out)


def strings_native(strings):
    return " ".join(dnsclient.string_text(s) for s in strings)


def b64(rng, most=48):
    return base64.b64encode(rng.randbytes(rng.randrange(1, most))).decode()


def hexes(rng, count):
    return rng.randbytes(count).hex()


def ipv4(rng):
    return "%s.%d" % (rng.choice(("192.0.2", "198.51.100", "172.16.3", "10.1.%d" % rng.randrange(3))),
                      rng.randrange(256))


def ipv6(rng):
    return str(ipaddress.IPv6Address(0x20010DB8 << 96 | rng.randrange(4) << 64 | rng.getrandbits(
        rng.choice((3, 16, 64)))))


def word(rng, most=12):
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz0123456789-") for _ in range(
        rng.randrange(1, most)))


def quoted(rng, most=30):
    return dnsclient.string_text(rng.randbytes(rng.randrange(most)))


def text_data(rng, longest=60):
    """Master-file strings: ["…" "…"]."""
    return [" ".join(quoted(rng, longest) for _ in range(rng.choice((1, 1, 1, 2, 5))))]


def generic(rng, length=None):
    n = rng.choice((0, 1, 4, 33, 300)) if length is None else length
    return ["\\# %d%s" % (n, " " + hexes(rng, n) if n else "")]


def _ds(rng):
    digest, size = rng.choice(((1, 20), (2, 32), (4, 48)))
    return ["%d %d %d %s" % (rng.randrange(65536), rng.choice((5, 8, 13)), digest, hexes(rng, size))]


def _tlsa(rng):
    return ["%d %d %d %s" % (rng.randrange(4), rng.randrange(2), rng.randrange(3),
                             hexes(rng, rng.randrange(1, 64)))]


def _loc(rng):
    return ["%d %d %d.%03d %s %d %d %d.%03d %s %d.%02dm %dm %dm %dm" % (
        rng.randrange(90), rng.randrange(60), rng.randrange(60), rng.randrange(1000),
        rng.choice("NS"), rng.randrange(180), rng.randrange(60), rng.randrange(60),
        rng.randrange(1000), rng.choice("EW"), rng.randrange(-100, 9000), rng.randrange(100),
        rng.randrange(100), rng.randrange(1000), rng.randrange(100))]


def _svcb(rng, name):
    if rng.random() < 0.3:
        return ["0 ", name()]
    parameters = rng.sample(("alpn=h2,h3", "port=%d" % rng.randrange(65536), "ipv4hint=" + ipv4(rng),
                             "ipv6hint=" + ipv6(rng), "key667=hello", "ech=" + b64(rng)),
                            rng.randrange(4))
    return ["%d " % rng.randrange(1, 9), name(), " " + " ".join(parameters)]


def _naptr(rng, name):
    if rng.random() < 0.5:
        return ['%d %d "s" "SIP+D2U" "" ' % (rng.randrange(100), rng.randrange(100)), name()]
    return ['%d %d "u" "E2U+sip" "!^.*$!sip:%s@example.com!" .' % (
        rng.randrange(100), rng.randrange(100), word(rng))]


def _ipseckey(rng, name):
    kind = rng.randrange(4)
    gateway = ([". "], [ipv4(rng) + " "], [ipv6(rng) + " "], [name(), " "])[kind]
    return ["%d %d 2 " % (rng.randrange(256), kind)] + gateway + [b64(rng)]


def _amtrelay(rng, name):
    kind = rng.randrange(4)
    relay = (["."], [ipv4(rng)], [ipv6(rng)], [name()])[kind]
    return ["%d %d %d " % (rng.randrange(256), rng.randrange(2), kind)] + relay


def _a6(rng, name):
    if rng.random() < 0.5:
        return ["0 " + ipv6(rng)]
    return ["64 ::%x " % rng.randrange(65536), name()]


# What each type's data looks like: (rng, name) → parts, NAME() giving a Name.
MAKERS = {
    "A": lambda rng, name: [ipv4(rng)],
    "AAAA": lambda rng, name: [ipv6(rng)],
    "NS": lambda rng, name: [name()],
    "CNAME": lambda rng, name: [name()],
    "DNAME": lambda rng, name: [name()],
    "PTR": lambda rng, name: [name()],
    "MB": lambda rng, name: [name()],
    "MG": lambda rng, name: [name()],
    "MR": lambda rng, name: [name()],
    "NSAP-PTR": lambda rng, name: [name()],
    "MX": lambda rng, name: ["%d " % rng.choice((0, 10, 20, 65535)), name()],
    "AFSDB": lambda rng, name: ["%d " % rng.randrange(3), name()],
    "RT": lambda rng, name: ["%d " % rng.randrange(99), name()],
    "KX": lambda rng, name: ["%d " % rng.randrange(99), name()],
    "LP": lambda rng, name: ["%d " % rng.randrange(99), name()],
    "MINFO": lambda rng, name: [name(), " ", name()],
    "RP": lambda rng, name: [name(), " ", name()],
    "TALINK": lambda rng, name: [name(), " ", name()],
    "PX": lambda rng, name: ["%d " % rng.randrange(99), name(), " ", name()],
    "SRV": lambda rng, name: ["%d %d %d " % (rng.randrange(99), rng.randrange(99),
                                             rng.randrange(65536)), name()],
    "TXT": lambda rng, name: text_data(rng),
    "SPF": lambda rng, name: text_data(rng),
    "NINFO": lambda rng, name: text_data(rng),
    "AVC": lambda rng, name: text_data(rng),
    "RESINFO": lambda rng, name: text_data(rng),
    "HINFO": lambda rng, name: [quoted(rng) + " " + quoted(rng)],
    "X25": lambda rng, name: ['"%d"' % rng.randrange(10 ** 9, 10 ** 12)],
    "ISDN": lambda rng, name: ['"%d"%s' % (rng.randrange(10 ** 12), rng.choice(("", ' "04"')))],
    "WKS": lambda rng, name: [ipv4(rng) + " 6 " + " ".join(
        str(p) for p in sorted(rng.sample(range(1, 200), 3)))],
    "NSAP": lambda rng, name: ["0x" + hexes(rng, rng.randrange(5, 20))],
    "KEY": lambda rng, name: ["512 3 8 " + b64(rng)],
    "GPOS": lambda rng, name: ['"-32.%04d" "116.%04d" "10.0"' % (rng.randrange(9999),
                                                               rng.randrange(9999))],
    "LOC": lambda rng, name: _loc(rng),
    "EID": lambda rng, name: [hexes(rng, rng.randrange(1, 12))],
    "NIMLOC": lambda rng, name: [hexes(rng, rng.randrange(1, 12))],
    "ATMA": lambda rng, name: [rng.choice(("+61200000%d" % rng.randrange(99), hexes(rng, 20)))],
    "NAPTR": _naptr,
    "CERT": lambda rng, name: ["%d %d %d %s" % (rng.randrange(1, 4), rng.randrange(65536),
                                                rng.choice((5, 8, 13)), b64(rng))],
    "A6": _a6,
    "SINK": lambda rng, name: ["%d %d %d %s" % (rng.randrange(256), rng.randrange(256),
                                                rng.randrange(256), b64(rng))],
    "APL": lambda rng, name: [rng.choice(("1:192.168.32.0/21 !1:192.168.38.0/28", "2:2001:db8::/32",
                                          "1:10.%d.0.0/16" % rng.randrange(256)))],
    "DS": lambda rng, name: _ds(rng),
    "TA": lambda rng, name: _ds(rng),
    "DLV": lambda rng, name: _ds(rng),
    "SSHFP": lambda rng, name: [rng.choice(("1 1 " + hexes(rng, 20), "4 2 " + hexes(rng, 32)))],
    "IPSECKEY": _ipseckey,
    "DHCID": lambda rng, name: [b64(rng)],
    "TLSA": lambda rng, name: _tlsa(rng),
    "SMIMEA": lambda rng, name: _tlsa(rng),
    "HIP": lambda rng, name: ["2 %s %s " % (hexes(rng, 16), b64(rng)), name()],
    "RKEY": lambda rng, name: ["0 %d %d %s" % (rng.randrange(4), rng.choice((5, 8, 13)), b64(rng))],
    "OPENPGPKEY": lambda rng, name: [b64(rng, 200)],
    "CSYNC": lambda rng, name: ["%d 3 A NS AAAA" % rng.randrange(2 ** 32)],
    "ZONEMD": lambda rng, name: ["%d 1 1 %s" % (rng.randrange(2 ** 32), hexes(rng, 48))],
    "SVCB": _svcb,
    "HTTPS": _svcb,
    "NID": lambda rng, name: ["10 0014:4fff:ff20:%x" % rng.randrange(65536)],
    "L32": lambda rng, name: ["10 " + ipv4(rng)],
    "L64": lambda rng, name: ["10 2001:db8:1140:%x" % rng.randrange(65536)],
    "EUI48": lambda rng, name: ["-".join(hexes(rng, 1) for _ in range(6))],
    "EUI64": lambda rng, name: ["-".join(hexes(rng, 1) for _ in range(8))],
    "URI": lambda rng, name: ['%d %d "https://%s/"' % (rng.randrange(99), rng.randrange(99),
                                                      word(rng))],
    "CAA": lambda rng, name: ['%d %s "%s"' % (rng.choice((0, 128)),
                                              rng.choice(("issue", "issuewild", "iodef")),
                                              word(rng))],
    "DOA": lambda rng, name: ['%d %d %d "text/plain" %s' % (
        rng.randrange(2 ** 32), rng.randrange(99), rng.randrange(4), b64(rng))],
    "AMTRELAY": _amtrelay,
    "TYPE65280": lambda rng, name: generic(rng),
    "TYPE731": lambda rng, name: generic(rng),
    "TYPE64999": lambda rng, name: generic(rng),
}

# The rest of what has a mnemonic is DNSSEC's (a zone that holds it is signed, which a DLZ zone
# cannot be), refused by named as obsolete (MD, MF), or cannot be written in a zone file.


def make(rng, rrtype, name):
    """Parts of one value. Now and then in the generic form of RFC 3597."""
    if rng.random() < 0.02 and rrtype in ("A", "AAAA"):
        return generic(rng, 4 if rrtype == "A" else 16)
    return [part for part in MAKERS[rrtype](rng, name) if part != ""]


def native_text(parts, origin):
    return "".join(part.native(origin) if isinstance(part, Name) else part for part in parts).rstrip()


def ldap_text(parts, rng):
    return "".join(part.ldap(rng) if isinstance(part, Name) else part for part in parts).rstrip()


def fits(parts, origin):
    """Every name of the value is at most 255 octets under ORIGIN."""
    return all(dnsclient.name_fits(part.absolute(origin)) for part in parts
               if isinstance(part, Name))
