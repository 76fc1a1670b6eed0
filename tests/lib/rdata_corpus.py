# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""Record text, good and bad, of every type that named knows: what rdata_named.py asks about.

A line is a type and its text, Latin-1 text for octets. Good ones come from a generator a type; bad
ones are good ones with tokens or characters changed, and hand-picked odd ones. Neither line feeds
nor carriage returns nor NULs occur: cache/rdata.c refuses them on principle, named only where its
lexer meets them.
"""

import base64

NAMES = ["@", ".", "host", "a.b", "mail.Example.", "ABS.", "*", "*.wild", "_sip._tcp", "a\\.b",
         "\\097\\046.x", "\\@", "x\\;y\\\"z.", "sp\\ ace", "\\(p\\)", "\\\\", "a\\\\.", "q\\\\\\.",
         "\\255\\128.", "$x", "1.2.3.4", "l" * 63, "m" * 63 + ".", "xn--bcher-kva.example.",
         ".".join(["n" * 63] * 3 + ["o" * 40]), ".".join(["n" * 63] * 3 + ["o" * 49]),
         ".".join(["n" * 63] * 3 + ["o" * 50]), ".".join(["n" * 63] * 3 + ["o" * 61]) + ".",
         ".".join(["n" * 63] * 3 + ["o" * 62]) + ".", "a." * 127, "a." * 128, "\xe4\xf6.x"]
TYPES = ["A", "ns", "SOA", "TXT", "AAAA", "NSEC", "TYPE0", "TYPE731", "type65535", "ANY", "CAA",
         "TYPE00001", "NSAP-PTR", "TA", "RRSIG", "KEYDATA", "TYPE65281", "RESINFO", "TYPE255"]
ALGORITHMS = ["1", "13", "ECDSAP256SHA256", "rsasha256", "253", "255", "PRIVATEDNS", "ED448"]
JUNK = ["@", ".", "..", "65535", "65536", "256", "255", "-1", "+1", "4294967295", "4294967296",
        "0x10", "1e3", '""', '"x"', '"a b"', "a\\.b", "a\\", "\\300", "\\1", "\\12", "\xe9", "\\#",
        ";", "(", ")", "'", "::", "1.2.3.4", "TYPE1", "99999999999999999999", "00000000000000005",
        "p" * 64, "q" * 300, "1w2d", "-", "=", "AA==", "A", "0", "NONE", "a\"b", "\x0b1", "\x7f",
        "a;b", "a(b)", "\\;", "\\[x", "\\\\", "key1", "key65536=x", "N", "1m", "\\( \\)", "20300101000000"]
CHARACTERS = [chr(c) for c in range(0x20, 0x7f)] + ["\t", "\x0b", "\x01", "\x80", "\xff", "\\",
                                                    "\"", "\\", " ", ";", "(", ")", ".", "0"]


class Maker:
    """Random parts of good records."""

    def __init__(self, rng):
        self.rng = rng

    def pick(self, *choices):
        return self.rng.choice(choices)

    def name(self):
        rng = self.rng
        if rng.random() < 0.4:
            return rng.choice(NAMES)
        labels = ["".join(rng.choice("abcXYZ019-_") for _ in range(rng.randrange(1, 12)))
                  for _ in range(rng.randrange(1, 5))]
        return ".".join(labels) + rng.choice(["", "."])

    def number(self, bits):
        top = (1 << bits) - 1
        n = self.rng.choice([0, 1, top, top // 2, self.rng.randrange(top + 1), self.rng.randrange(300)])
        return str(n) if self.rng.random() < 0.9 else "000" + str(n)

    def u8(self):
        return self.number(8)

    def u16(self):
        return self.number(16)

    def u32(self):
        return self.number(32)

    def octets(self, n):
        return bytes(self.rng.randrange(256) for _ in range(n))

    def split(self, text):
        """TEXT as one or several words."""
        while self.rng.random() < 0.3:
            at = self.rng.randrange(len(text) + 1)
            text = text[:at] + self.rng.choice([" ", "  ", "\t"]) + text[at:]
        return text.strip() or text

    def hex(self, n):
        text = self.octets(n).hex()
        return self.split(text.upper() if self.rng.random() < 0.5 else text)

    def b64(self, n=None):
        n = self.rng.randrange(1, 80) if n is None else n
        return self.split(base64.b64encode(self.octets(n)).decode())

    def string(self, most=40):
        rng = self.rng
        if rng.random() < 0.05:
            most = rng.choice([254, 255, 256])
            return '"' + "z" * most + '"'
        quoted = rng.random() < 0.7
        out = []
        for _ in range(rng.randrange(0 if quoted else 1, most)):
            c = rng.choice(CHARACTERS)
            if c in '"\\' or (not quoted and c in " \t;()"):
                c = "\\" + c
            elif rng.random() < 0.05:
                c = "\\%03d" % rng.randrange(256)
            out.append(c)
        text = "".join(out)
        return '"' + text + '"' if quoted else text

    def ipv4(self):
        return ".".join(str(self.rng.choice([0, 1, 10, 127, 255, self.rng.randrange(256)]))
                        for _ in range(4))

    def ipv6(self):
        rng = self.rng
        groups = ["%x" % rng.choice([0, 1, 0xffff, rng.randrange(65536)]) for _ in range(8)]
        return rng.choice([":".join(groups), "::", "::1", "2001:DB8::" + groups[0], "::ffff:" + self.ipv4(),
                           ":".join(groups[:6]) + ":" + self.ipv4(), "fe80::1:2:3"])

    def period(self):
        return self.pick(self.u32(), "1h", "3H", "1w2d3h4m5s", "30M", "0", "1D1D", "0w7", "52w")

    def date(self):
        return self.pick("20300101000000", "19700101000000", "20991231235960", "19691231235959",
                         "00000101000000", "20240229120000", "99991231235959", "19000228000000")

    def moment(self):
        return self.pick(self.date(), str(self.rng.randrange(1 << 32)), "0", "4294967295")

    def types(self, least=1):
        return " ".join(self.rng.choice(TYPES) for _ in range(self.rng.randrange(least, 8)))

    def algorithm(self):
        return self.rng.choice(ALGORITHMS)

    def locator(self):
        return ":".join("%x" % self.rng.randrange(65536) for _ in range(4)) + self.pick("", "", ":")

    def salt(self):
        return self.pick("-", self.octets(self.rng.randrange(1, 9)).hex(), "aa" * 255, "aa" * 256)

    def base32(self):
        n = self.rng.choice([20, 20, 20, 1, 5, 39, 40])
        text = base64.b32encode(self.octets(n)).decode().rstrip("=")
        table = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789ABCDEFGHIJKLMNOPQRSTUV")
        text = text.translate(table)
        return text.lower() if self.rng.random() < 0.5 else text

    def gateway(self, kind):
        return {0: ".", 1: self.ipv4(), 2: self.ipv6(), 3: self.name()}[kind]

    def regexp(self):
        return self.pick('""', '"!^.*$!sip:info@example.com!"', '"!^(.*)$!\\\\1@x!i"', '"!a{2,3}!b!"',
                         '"/[[:alpha:]-]+/x/"', '"!(a|b)c!\\\\1!"', '"![a-z0-9_]+!!"', '"!a!b!c"',
                         '"!(a!b!"', '"!a**!b!"', '"![z-a]!b!"', '"!a{300}!b!"', '"!!b!"', '"1a1b1"',
                         '"![[.x.]-z]!b!"', '"![[=a=]]!b!"', '"![]a]!b!"', '"![^]a]!b!"', '"!a|!b!"',
                         '"!()!b!"', '"!(a)\\\\1!b!"', '"!(a)\\\\2!b!"', '"!a\\\\!b!c!"', '"!a!\\\\0!"',
                         '"!x{,2}!b!"', '"!x{2,1}!b!"', '"![[:foo:]]!b!"', '"!a!b!ii"', '"!^*!b!"',
                         '"![a-c-e]!b!"', '"![[.-.]-a]!b!"', '"!a)b!c!"', '"!\\\\9!c!"')

    def parameter(self):
        rng = self.rng
        return rng.choice([
            'alpn=h2', 'alpn="h2,h3"', 'alpn=h2\\\\,x,h3', 'alpn="h1\\\\\\\\h2"', "alpn=", 'alpn=,h2',
            'no-default-alpn', 'no-default-alpn=', 'no-default-alpn=x', "NO-DEFAULT-ALPN", "port=443",
            'port="8080"', 'port=65536', "PORT=\\001\\187", 'ipv4hint=' + self.ipv4(),
            'ipv4hint="' + self.ipv4() + "," + self.ipv4() + '"', 'ipv6hint=' + self.ipv6(),
            'ipv6hint=::1,' + self.ipv6(), 'ech=' + self.b64(9).replace(" ", ""), 'ech="AAAA BBBB"', "ech",
            'mandatory=alpn', 'mandatory=port,alpn', 'mandatory="ipv4hint,key99"', 'mandatory=mandatory',
            'mandatory=no-default-alpn', 'mandatory=ALPN', 'mandatory=alpn,alpn', 'mandatory=alpn,',
            'key99="a b\\065\\"c"', 'key99', 'key99=', 'key65535=x', 'key65536=x', 'key0=\\000\\001',
            'key1=\\002h2', 'key2', 'key3=\\001\\187', 'key4=\\001\\002\\003\\004', 'key6=x', 'key007=x', 'key00',
            'key7="/q{?dns}"', 'dohpath=/q{?dns}', 'dohpath="/a/{dns:3,x}"', 'dohpath=/{x:3,}{dns}',
            'dohpath="/{+dns*}%20"', 'dohpath=/{dns:10000}', 'dohpath=/x', 'dohpath=q{dns}', 'dohpath=/%2g{dns}',
            'key8="' + "x" * rng.randrange(300) + '"', 'key=x', 'keyx=1', 'key-1=x', 'key+1=x', 'foo=bar'])

    def service(self):
        rng = self.rng
        return "%s %s %s" % (self.u16(), self.pick(self.name(), '"quoted.example."', '"@"', '""'),
                             " ".join(self.parameter() for _ in range(rng.randrange(0, 5))))

    def good_service(self):
        rng = self.rng
        choices = ['alpn="h2,h3"', "port=%d" % rng.randrange(65536), "ipv4hint=" + self.ipv4(),
                   "ipv6hint=" + self.ipv6(), "ech=" + self.b64(20).replace(" ", ""), 'key7="/q{?dns}"',
                   'key%d="%s"' % (rng.randrange(8, 65536), "y" * rng.randrange(9)), "mandatory=alpn", "no-default-alpn"]
        return "%s %s %s" % (self.u16(), self.name(), " ".join(rng.sample(choices, rng.randrange(0, 6))))

    def location(self):
        def coordinate(letters, top):
            d = self.rng.choice([0, 5, top - 1, top, top + 1])
            m = self.pick("", " 0", " 59", " 60", " 7")
            s = self.pick("", " 0", " 59.999", " 12.5", " .5", " 60", " 3.1234") if m else ""
            return "%d%s%s %s" % (d, m, s, self.rng.choice(letters))
        sizes = [self.pick("1m", "0.00m", "10", "90000000.00m", "90000000.99", "0.05m", "0.5m", "23456m", "1.5",
                           "99m") for _ in range(self.rng.randrange(4))]
        altitude = self.pick("0m", "-100000.00m", "42849672.95m", "10", "-5.5", "42849672.96m", "-100000.01", ".5m",
                             "--0", "5.", "+7m", "1.234")
        return " ".join([coordinate("NS", 90), coordinate("EW", 180), altitude] + sizes)

    def prefix(self):
        return self.pick("1:%s/%d" % (self.ipv4(), self.rng.randrange(34)), "!1:10.0.0.0/8", "2:%s/%d" % (
            self.ipv6(), self.rng.randrange(130)), "!2:::/0", "1:0.0.0.0/0", "3:x/1", "+1:1.2.3.4/32", "1:1.2.3.4",
                         "01:1.2.3.4/08", "1:/8", "1::1.2.3.4/8", "1:1.2.3.4/ 8")


def digest(m):
    kind, n = m.rng.choice([("1", 20), ("2", 32), ("4", 48), ("SHA-256", 32), ("sha1", 20), ("3", 32), ("0", 1),
                            ("GOST", 5), ("2", 31), ("2", 33), ("SHA-384", 48)])
    return "%s %s %s %s" % (m.u16(), m.algorithm(), kind, m.hex(n))


def key(m):
    return "%s %s %s %s" % (m.pick("256", "257", "0", "0x100", "ZONE", "ZONE|KSK", "NOKEY", "49152", "NOCONF|NOAUTH",
                                   "zone|SIG3", "Z", "100000", "FLAG2|"),
                            m.pick("3", "DNSSEC", "0", "all", "255", "256"), m.algorithm(), m.pick("", m.b64(), m.b64()))


def signature(m, moment):
    return "%s %s %s %s %s %s %s %s %s" % (m.pick(*TYPES, "1", "65535", "65536", "-1"), m.algorithm(), m.u8(), m.u32(),
                                           moment(), moment(), m.u16(), m.name(), m.b64())


def fingerprint(m):
    kind, n = m.rng.choice([("1", 20), ("2", 32), ("3", 4), ("3", 0), ("1", 19), ("2", 33), ("0", 2)])
    return "%s %s %s" % (m.u8(), kind, m.hex(n))


def zone_digest(m):
    kind, n = m.rng.choice([("1", 48), ("2", 64), ("3", 12), ("3", 11), ("1", 47), ("240", 30)])
    return "%s %s %s %s" % (m.u32(), m.u8(), kind, m.hex(n))


def gateway(m, head):
    kind = m.rng.randrange(4)
    return head % (kind, m.gateway(m.rng.randrange(4) if m.rng.random() < 0.1 else kind))


def a6(m):
    bits = m.rng.choice([0, 1, 8, 64, 127, 128, 129])
    return " ".join([str(bits)] + ([m.ipv6()] if bits < 128 else []) + ([m.name()] if bits > 0 else []))


def keydata(m):
    return "%s %s %s %s" % (m.date(), m.date(), m.date(), m.pick("0 0 0", key(m), key(m)))


def strings(m):
    return " ".join(m.string() for _ in range(m.rng.randrange(1, 5)))


def certificate(m):
    return "%s %s %s %s" % (m.u8(), m.u8(), m.u8(), m.hex(m.rng.randrange(1, 40)))


def one_name(m):
    return m.name()


def preference_name(m):
    return "%s %s" % (m.u16(), m.name())


def two_names(m):
    return "%s %s" % (m.name(), m.name())


MAKERS = {
    "A": lambda m: m.ipv4(), "NS": one_name, "MD": one_name, "MF": one_name, "CNAME": one_name,
    "SOA": lambda m: "%s %s %s %s %s %s" % (two_names(m), m.u32(), m.period(), m.period(), m.period(), m.period()),
    "MB": one_name, "MG": one_name, "MR": one_name, "NULL": lambda m: m.pick("", "x"),
    "WKS": lambda m: "%s %s %s" % (m.ipv4(), m.pick("6", "17", "tcp", "udp", "icmp", "255", "256", "TCP", "6x"),
                                   " ".join(m.pick("25", "smtp", "SMTP", "domain", "65535", "65536", "0", "nosuch",
                                                   "http", "25x", "+80", "syslog")
                                            for _ in range(m.rng.randrange(0, 5)))),
    "PTR": one_name, "HINFO": lambda m: "%s %s" % (m.string(), m.string()), "MINFO": two_names,
    "MX": preference_name, "TXT": strings, "RP": two_names, "AFSDB": preference_name,
    "X25": lambda m: m.pick("12345", '"31161700956"', "1234", "123", "12a45", "9" * 255, "9" * 256),
    "ISDN": lambda m: m.pick(m.string(), m.string() + " " + m.string()), "RT": preference_name,
    "NSAP": lambda m: m.pick("0x", "0X", "1x") + ".".join(m.octets(3).hex() for _ in range(m.rng.randrange(0, 4))),
    "NSAP-PTR": one_name, "SIG": lambda m: signature(m, m.date), "KEY": key,
    "PX": lambda m: "%s %s" % (m.u16(), two_names(m)),
    "GPOS": lambda m: "%s %s %s" % (m.string(), m.string(), m.string()), "AAAA": lambda m: m.ipv6(),
    "LOC": lambda m: m.location(),
    "NXT": lambda m: "%s %s" % (m.name(), " ".join(m.pick("A", "1", "127", "128", "MX", "TYPE30", "0", "65537", "+2", "TYPE54")
                                                   for _ in range(m.rng.randrange(0, 5)))),
    "EID": lambda m: m.hex(m.rng.randrange(1, 20)), "NIMLOC": lambda m: m.hex(m.rng.randrange(1, 20)),
    "SRV": lambda m: "%s %s %s %s" % (m.u16(), m.u16(), m.u16(), m.name()),
    "ATMA": lambda m: m.pick("+1.2345.678", "47.0005.80ff.e100", "+", "1.23", "39f.f", ".12", "12.", "+1..2", "+12a",
                             m.octets(20).hex()),
    "NAPTR": lambda m: "%s %s %s %s %s %s" % (m.u16(), m.u16(), m.string(), m.string(), m.regexp(), m.name()),
    "KX": preference_name,
    "CERT": lambda m: "%s %s %s %s" % (m.pick("PKIX", "1", "pgp", "65535", "65536", "URI", "OID", "0"), m.u16(), m.algorithm(),
                                       m.b64()),
    "A6": a6, "DNAME": one_name, "SINK": lambda m: "%s %s %s %s" % (m.u8(), m.u8(), m.u8(), m.pick("", m.b64())),
    "APL": lambda m: " ".join(m.prefix() for _ in range(m.rng.randrange(0, 4))), "DS": digest, "SSHFP": fingerprint,
    "IPSECKEY": lambda m: gateway(m, m.u8() + " %d " + m.u8() + " %s " + m.b64()),
    "RRSIG": lambda m: signature(m, m.moment), "NSEC": lambda m: "%s %s" % (m.name(), m.types(0)), "DNSKEY": key,
    "DHCID": lambda m: m.b64(),
    "NSEC3": lambda m: "%s %s %s %s %s %s" % (m.pick("1", "SHA-1", "2", "255", "256"), m.u8(), m.u16(), m.salt(), m.base32(),
                                              m.types(0)),
    "NSEC3PARAM": lambda m: "%s %s %s %s" % (m.pick("1", "sha-1", "0", "7"), m.u8(), m.u16(), m.salt()),
    "TLSA": certificate, "SMIMEA": certificate,
    "HIP": lambda m: "%s %s %s %s" % (m.u8(), m.octets(m.pick(1, 16, 255, 256)).hex(), m.b64(30).replace(" ", "").replace("\t", ""),
                                      " ".join(m.name() for _ in range(m.rng.randrange(0, 3)))),
    "NINFO": strings, "RKEY": lambda m: m.pick(key(m), "0 3 8 " + m.b64()), "TALINK": two_names, "CDS": digest, "CDNSKEY": key,
    "OPENPGPKEY": lambda m: m.b64(), "CSYNC": lambda m: "%s %s %s" % (m.u32(), m.u16(), m.types(0)), "ZONEMD": zone_digest,
    "SVCB": lambda m: m.pick(m.service, m.good_service)(), "HTTPS": lambda m: m.pick(m.service, m.good_service)(),
    "DSYNC": lambda m: "%s %s %s %s" % (m.pick(*TYPES, "59", "65536"), m.pick("NOTIFY", "1", "255", "256"), m.u16(), m.name()),
    "HHIT": lambda m: m.b64(), "BRID": lambda m: m.b64(), "SPF": strings, "NID": lambda m: "%s %s" % (m.u16(), m.locator()),
    "L32": lambda m: "%s %s" % (m.u16(), m.ipv4()), "L64": lambda m: "%s %s" % (m.u16(), m.locator()), "LP": preference_name,
    "EUI48": lambda m: "-".join("%02x" % c for c in m.octets(m.pick(6, 6, 6, 5, 7))) + m.pick("", "", "zz"),
    "EUI64": lambda m: "-".join("%02X" % c for c in m.octets(m.pick(8, 8, 8, 7, 9))),
    "URI": lambda m: "%s %s %s" % (m.u16(), m.u16(), m.string()),
    "CAA": lambda m: "%s %s %s" % (m.u8(), m.pick("issue", "issuewild", "IODEF", "x1", "a-b", "t" * 255, "t" * 256), m.string()),
    "AVC": strings, "DOA": lambda m: "%s %s %s %s %s" % (m.u32(), m.u32(), m.u8(), m.string(), m.pick("-", m.b64())),
    "AMTRELAY": lambda m: gateway(m, m.u8() + " " + m.pick("0", "1", "2") + " %d %s"), "RESINFO": strings, "WALLET": strings,
    "TA": digest, "DLV": digest, "KEYDATA": keydata,
    "UINFO": lambda m: "x", "TYPE731": lambda m: "x", "TYPE65280": lambda m: "", "OPT": lambda m: "", "TSIG": lambda m: "x",
    "ANY": lambda m: "x", "TYPE0": lambda m: "x", "TYPE200": lambda m: "x",
}

# What a token-wise mutation would hardly find.
ODD = [
    ("A", ""), ("A", "( 1.2.3.4 )"), ("A", "1.2.3.4 ; remark"), ("A", "1.2.3.4;remark ( \""), ("A", '"1.2.3.4"'), ("A", "01.2.3.4"),
    ("A", "1.2.3"), ("A", "(1.2.3.4"), ("A", "1.2.3.4)"), ("A", "((1.2.3.4))"), ("A", "\\1.2.3.4"), ("A", "1.2.3.4\\"),
    ("AAAA", "fe80::1%eth0"), ("MX", "10mail"), ("MX", '10 "mail"'), ("MX", "10 mail\\"), ("MX", "10(mail)"), ("TXT", '"a"b"c"d'),
    ("TXT", "a\"b\"c"), ("TXT", "\\#"), ("TXT", "\\# x"), ("TXT", "\\# 4 01020304"), ("TXT", "\\# 4 03616263"), ("TXT", "\\# 99999999999"),
    ("TXT", "\\# ) x"), ("TXT", '"\\#" x'), ("TXT", "\\\\#"), ("SPF", "\\# x"), ("TXT", '""'), ("TXT", '"unended'), ("TXT", '"a\\"'),
    ("TXT", "x\\"), ("TXT", '"\\300"'), ("TXT", '"\\25"'), ("TXT", '"' + "a" * 255 + '"'), ("TXT", '"' + "a" * 256 + '"'),
    ("TXT", " ".join(['"' + "b" * 255 + '"'] * 255)), ("TXT", " ".join(['"' + "b" * 255 + '"'] * 256)),
    ("URI", "1 1 http://x/"), ("URI", '1 1 "' + "u" * 1000 + '"'), ("URI", '1 1 ""'), ("CAA", '0 issue "' + "c" * 1000 + '"'),
    ("CAA", '0 "issue" "x"'), ("CAA", "0 issue x"), ("CAA", "0 issue"), ("HINFO", "one"), ("HINFO", "one two three"),
    ("APL", ""), ("APL", "( )"), ("APL", ";x"), ("SINK", "1 2 3"), ("NULL", "\\# 0"), ("NULL", "\\# 3 01 02 03"), ("TYPE731", "\\# 0"),
    ("TYPE731", "\\# 1 0"), ("TYPE731", "\\# 2 0 1 0 2"), ("TYPE731", "\\# 1 0102"), ("TYPE731", "\\# 65536 00"), ("TYPE731", "\\#"),
    ("TYPE731", "( \\# 1 ff )"), ("TYPE731", '"\\#" 1 ff'), ("TYPE731", "\\# 1 fg"), ("TYPE731", "\\# 0 00"), ("UINFO", "\\# 2 abcd"),
    ("NSEC", "x"), ("NSEC3", "1 0 0 - " + "0" * 32), ("CERT", "1 1 1"), ("SSHFP", "1 9"), ("DS", "1 1 9"), ("TLSA", "1 1 1"),
    ("HIP", "2 00 AA== @"), ("HIP", "2 0 AA=="), ("HIP", "2 00 ===="), ("EUI48", "0-0-0-0-0-0"), ("EUI48", "+1-2-3-4-5-6"),
    ("EUI48", "0x1-2-3-4-5-6"), ("EUI48", "1-2-3-4-5-6\\"), ("EUI48", "-1-2-3-4-5-6"), ("NID", "1 1:2:3:4:"), ("NID", "1 1:2:3:"),
    ("NID", "1 1:2::4"), ("L64", "1 00001:2:3:4"), ("LOC", "90 N 180 W 0"), ("LOC", "90 0 0.001 N 0 E 0"), ("LOC", "1 n 1 E 0"),
    ("LOC", "1 N 1 E 0 1 1 1 1"), ("LOC", "1 2 3 4 N 1 E 0"), ("LOC", "+1 N 1 E 0"), ("LOC", "1 N 1 E m"), ("LOC", "1 N 1 E ."),
    ("SVCB", "1 . port=443 port=444"), ("SVCB", '1 . alpn="h2"port=443'), ("SVCB", "1 . a=b=c key9=x=y"), ("SVCB", "1 . key9=x;y"),
    ("SVCB", '1 . "alpn=h2"'), ("SVCB", "1 . mandatory=no-default-alpn no-default-alpn"),
    ("SVCB", "1 . mandatory=no-default-alpn no-default-alpn port=1"), ("SVCB", "1 . key9=(x)"), ("SVCB", '1 . key9="a;b(c"'),
    ("SVCB", "1 . mandatory=port port=1 no-default-alpn"), ("SVCB", '1 . mandatory="key 3" port=1'), ("SVCB", "0 ."), ("SVCB", "0 . port=1"),
    ("KEY", "NOKEY 3 5"), ("KEY", "NOKEY 3 5 AAAA"), ("DNSKEY", "NOKEY 3 5"), ("KEY", "|| 3 5 AAAA"), ("KEY", "ZONE| 3 5 AAAA"),
    ("SOA", "@ @ 1 1 1 1 1"), ("SOA", "ns. h. 4294967296 1 1 1 1"), ("SOA", "ns. h. 1h 1 1 1 1"), ("SOA", "ns. h. 1 1h30 1 1 1"),
    ("SOA", "ns. h. 1 1h 1x 1 1"), ("SOA", "ns. h. 1 7102w 1 1 1"), ("SOA", "( ns. h. 1 1 1 1 1 )"), ("SOA", "ns. h. 1 1 1 1"),
    ("RRSIG", "1 5 1 1 4294967295 4294967296 1 . AAAA"), ("RRSIG", "A 5 1 1 20240230000000 0 1 . AAAA"), ("RRSIG", "A 5 1 1 0 0 65536 . AAAA"),
    ("SIG", "A 5 1 1 0 0 1 . AAAA"), ("NXT", "x 65537"), ("NXT", "x 65536"), ("NXT", "x"), ("NXT", "x -65535"), ("ZONEMD", "1 256 1 " + "00" * 48),
    ("IPSECKEY", "1 0 2 . AAAA"), ("IPSECKEY", "1 0 2 @ AAAA"), ("IPSECKEY", "1 4 2 . AAAA"), ("AMTRELAY", "1 0 4 ."), ("DSYNC", "CDS NOTIFY 5300 @"),
    ("DSYNC", "59 1 5300 x y"), ("A6", "0 ::"), ("A6", "0 :: x"), ("A6", "128 x"), ("A6", "64 ::1 x"), ("ATMA", "+"), ("NSAP", "0x"),
    ("X25", '"1234\\0535"'), ("ISDN", '"" ""'), ("GPOS", "-32.68 116.86 10.0"), ("PX", "1 x"), ("DOA", '1 2 3 "" -'), ("DOA", '1 2 3 "x" - -'),
    ("CSYNC", "1 0"), ("OPENPGPKEY", "AA== AA=="), ("OPENPGPKEY", "AA= ="), ("OPENPGPKEY", "AB=="), ("OPENPGPKEY", ""), ("DHCID", "A A A A"),
    ("RKEY", "1 3 5 AAAA"), ("KEYDATA", "19700101000000 19700101000000 19700101000000 0 0 0"), ("TALINK", "a b"), ("MD", "\\# 1 00"),
]


def spread(rng, text):
    """TEXT with unusual but lawful blanks, parentheses and remarks."""
    how = rng.randrange(5)
    if how == 0:
        return "\t " + text + " \t"
    if how == 1:
        return "( " + text + " )"
    if how == 2:
        return text + " ; a remark ( with \" traps"
    words = text.split(" ")
    at = rng.randrange(len(words) + 1)
    if how == 3:
        return " ".join(words[:at] + ["("] + words[at:] + [")"])
    return "\t\t".join(words)


def mutate(rng, text):
    words = text.split(" ")
    at = rng.randrange(len(words))
    how = rng.randrange(13)
    if how == 0:
        del words[at]
    elif how == 1:
        words.insert(at, words[at])
    elif how == 2:
        words[at] = rng.choice(JUNK)
    elif how == 3:
        words.insert(rng.randrange(len(words) + 1), rng.choice(JUNK))
    elif how == 4:
        other = rng.randrange(len(words))
        words[at], words[other] = words[other], words[at]
    elif how == 5:
        words[at] = "".join(c.swapcase() if c < "\x7f" else c for c in words[at])
    elif how == 6:
        words[at] = '"' + words[at] + '"'
    elif how == 7:
        words[at] = words[at].strip('"')
    elif how == 8:
        words[at] = rng.choice(["00", "+", "-", "0x", "\\", ".", ";"]) + words[at]
    elif how == 9:
        words[at] += rng.choice([".", "0", "\\", "x", "-", ";", "=", ")", "\"", "\\."])
    else:
        text = " ".join(words)
        at = rng.randrange(len(text) + 1)
        cut = rng.randrange(2)
        more = rng.choice(CHARACTERS) if rng.random() < 0.7 else ""
        return text[:at] + more + text[at + cut:]
    return " ".join(words)


def text_lines(rng, a_type):
    """A TYPE is a lot of lines: (type, text)."""
    lines = list(ODD)
    maker = Maker(rng)
    for rrtype, make in MAKERS.items():
        for _ in range(a_type):
            text = make(maker).strip(" ")
            chance = rng.random()
            if chance < 0.15:
                text = spread(rng, text)
            elif chance < 0.65:
                for _ in range(rng.choice([1, 1, 2])):
                    text = mutate(rng, text)
            lines.append((rrtype, text))
    return lines


def generic_lines(rng, rrtype, wire):
    """Generic forms of WIRE, good and damaged."""
    octets = bytearray(wire)
    how = rng.randrange(8)
    if how == 0:
        octets = octets[:rng.randrange(len(octets) + 1)]
    elif how == 1:
        octets += bytes(rng.choice([0, 0, 1, 192, 255]) for _ in range(rng.randrange(1, 4)))
    elif how < 6 and octets:
        for _ in range(rng.choice([1, 1, 3])):
            at = rng.randrange(len(octets))
            octets[at] = rng.choice([0, 1, 2, 3, 63, 64, 127, 128, 192, 255, octets[at] ^ 0x20, rng.randrange(256)])
    length = len(octets) if rng.random() < 0.95 else len(octets) + rng.choice([-1, 1])
    return rrtype, ("\\# %d %s" % (length, bytes(octets).hex())).strip()
