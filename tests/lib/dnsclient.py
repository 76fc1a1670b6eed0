# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""A DNS client for tests: names with any octet, UDP with TCP on truncation, AXFR.

A name is a tuple of labels (bytes), without the root: (b"www", b"example"). Messages are parsed to
Message objects whose records compare by value; names in rdata are expanded and lowered.
"""

import ipaddress
import os
import socket
import struct
import time

TYPES = {
    "A": 1, "NS": 2, "MD": 3, "MF": 4, "CNAME": 5, "SOA": 6, "MB": 7, "MG": 8, "MR": 9, "NULL": 10,
    "WKS": 11, "PTR": 12, "HINFO": 13, "MINFO": 14, "MX": 15, "TXT": 16, "RP": 17, "AFSDB": 18,
    "X25": 19, "ISDN": 20, "RT": 21, "NSAP": 22, "NSAP-PTR": 23, "SIG": 24, "KEY": 25, "PX": 26,
    "GPOS": 27, "AAAA": 28, "LOC": 29, "NXT": 30, "EID": 31, "NIMLOC": 32, "SRV": 33, "ATMA": 34,
    "NAPTR": 35, "KX": 36, "CERT": 37, "A6": 38, "DNAME": 39, "SINK": 40, "OPT": 41, "APL": 42,
    "DS": 43, "SSHFP": 44, "IPSECKEY": 45, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "DHCID": 49,
    "NSEC3": 50, "NSEC3PARAM": 51, "TLSA": 52, "SMIMEA": 53, "HIP": 55, "NINFO": 56, "RKEY": 57,
    "TALINK": 58, "CDS": 59, "CDNSKEY": 60, "OPENPGPKEY": 61, "CSYNC": 62, "ZONEMD": 63,
    "SVCB": 64, "HTTPS": 65, "SPF": 99, "UINFO": 100, "UID": 101, "GID": 102, "UNSPEC": 103,
    "NID": 104, "L32": 105, "L64": 106, "LP": 107, "EUI48": 108, "EUI64": 109, "IXFR": 251,
    "AXFR": 252, "ANY": 255, "URI": 256, "CAA": 257, "AVC": 258, "DOA": 259, "AMTRELAY": 260,
    "RESINFO": 261, "TA": 32768, "DLV": 32769,
}
TYPE_TEXT = {number: text for text, number in TYPES.items()}
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED",
          6: "YXDOMAIN"}

# Where names stand in rdata: numbers skip octets, "n" is a name, "s" a counted string.
NAMES_IN = {
    2: "n", 3: "n", 4: "n", 5: "n", 6: "nn", 7: "n", 8: "n", 9: "n", 12: "n", 14: "nn", 15: "2n",
    17: "nn", 18: "2n", 21: "2n", 23: "n", 26: "2nn", 33: "6n", 35: "4sssn", 36: "2n", 39: "n",
    58: "nn", 107: "2n", 64: "2n", 65: "2n",
}


def type_number(text):
    text = text.upper()
    if text.startswith("TYPE") and text[4:].isdigit():
        return int(text[4:])
    return TYPES[text]


def type_text(number):
    return TYPE_TEXT.get(number, "TYPE%d" % number)


def name_from_text(text):
    """Master-file text, always absolute (a final dot changes nothing)."""
    raw = text.encode("latin-1")
    if raw == b".":
        return ()
    labels, label, i = [], bytearray(), 0
    while i < len(raw):
        c = raw[i]
        if c == 0x5C:
            if raw[i + 1:i + 4].isdigit() and len(raw[i + 1:i + 4]) == 3:
                label.append(int(raw[i + 1:i + 4]))
                i += 4
            else:
                label.append(raw[i + 1])
                i += 2
        elif c == 0x2E:
            labels.append(bytes(label))
            label = bytearray()
            i += 1
        else:
            label.append(c)
            i += 1
    if label:
        labels.append(bytes(label))
    if not all(labels):
        raise ValueError("empty label in %r" % text)
    return tuple(labels)


def label_text(label):
    out = []
    for c in label:
        if chr(c) in '".;\\()@$':
            out.append("\\" + chr(c))
        elif 0x21 <= c <= 0x7E:
            out.append(chr(c))
        else:
            out.append("\\%03d" % c)
    return "".join(out)


def name_text(name):
    return "".join(label_text(label) + "." for label in name) or "."


def lower(name):
    return tuple(label.lower() for label in name)


def name_wire(name):
    return b"".join(bytes([len(label)]) + label for label in name) + b"\0"


def name_fits(name):
    return sum(len(label) + 1 for label in name) + 1 <= 255


def read_name(wire, at):
    """The name at AT and the offset behind it; compression pointers are followed."""
    labels, behind, jumps = [], None, 0
    while True:
        n = wire[at]
        if n >= 0xC0:
            if behind is None:
                behind = at + 2
            at = ((n & 0x3F) << 8) | wire[at + 1]
            jumps += 1
            if jumps > 127:
                raise ValueError("compression loop")
        elif n == 0:
            return tuple(labels), (at + 1 if behind is None else behind)
        else:
            labels.append(wire[at + 1:at + 1 + n])
            at += 1 + n


def canonical_rdata(rrtype, wire, at, length):
    """Octets AT…AT+LENGTH of the message with names expanded and in lower case."""
    end = at + length
    layout = NAMES_IN.get(rrtype)
    if rrtype == 38 and wire[at]:                        # A6: the address that the prefix leaves, a name
        layout = "1" * (1 + (128 - wire[at] + 7) // 8) + "n"
    elif rrtype == 45 and wire[at + 1] == 3:             # IPSECKEY with a name as gateway
        layout = "3n"
    elif rrtype == 55:                                   # HIP: one server is enough here
        skip = 4 + wire[at] + (wire[at + 2] << 8 | wire[at + 3])
        layout = "1" * skip + "n" if skip < length else None
    elif rrtype == 260 and wire[at + 1] & 0x7F == 3:     # AMTRELAY with a name as relay
        layout = "2n"
    if not layout:
        return wire[at:end]
    out = []
    for c in layout:
        if c.isdigit():
            out.append(wire[at:at + int(c)])
            at += int(c)
        elif c == "s":
            out.append(wire[at:at + 1 + wire[at]])
            at += 1 + wire[at]
        else:
            name, at = read_name(wire, at)
            out.append(name_wire(lower(name)))
    return b"".join(out) + wire[at:end]


def rdata_text(rrtype, rdata):
    """Readable text where that is easy, else the generic form."""
    try:
        if rrtype == 1:
            return str(ipaddress.IPv4Address(rdata))
        if rrtype == 28:
            return str(ipaddress.IPv6Address(rdata))
        if rrtype in (2, 5, 12, 39):
            return name_text(read_name(rdata, 0)[0])
        if rrtype in (15, 18, 36):
            return "%d %s" % (struct.unpack("!H", rdata[:2])[0], name_text(read_name(rdata, 2)[0]))
        if rrtype == 33:
            return "%d %d %d %s" % (struct.unpack("!HHH", rdata[:6]) +
                                    (name_text(read_name(rdata, 6)[0]),))
        if rrtype == 6:
            mname, at = read_name(rdata, 0)
            rname, at = read_name(rdata, at)
            return "%s %s %d %d %d %d %d" % ((name_text(mname), name_text(rname)) +
                                             struct.unpack("!IIIII", rdata[at:]))
        if rrtype in (13, 16, 99):
            out, at = [], 0
            while at < len(rdata):
                out.append(string_text(rdata[at + 1:at + 1 + rdata[at]]))
                at += 1 + rdata[at]
            return " ".join(out)
    except (IndexError, ValueError, struct.error):
        pass
    return "\\# %d %s" % (len(rdata), rdata.hex())


def string_text(octets):
    """A quoted character string of a master file."""
    out = []
    for c in octets:
        if c in (0x22, 0x5C):
            out.append("\\" + chr(c))
        elif 0x20 <= c <= 0x7E:
            out.append(chr(c))
        else:
            out.append("\\%03d" % c)
    return '"%s"' % "".join(out)


class Record:
    __slots__ = ("owner", "type", "ttl", "rdata")

    def __init__(self, owner, rrtype, ttl, rdata):
        self.owner, self.type, self.ttl, self.rdata = owner, rrtype, ttl, rdata

    def key(self):
        return (lower(self.owner), self.type, self.ttl, self.rdata)

    def __eq__(self, other):
        return self.key() == other.key()

    def __hash__(self):
        return hash(self.key())

    def __lt__(self, other):
        return self.key() < other.key()

    def __repr__(self):
        return "%s %d %s %s" % (name_text(lower(self.owner)), self.ttl, type_text(self.type),
                                rdata_text(self.type, self.rdata))

    def text(self):
        """Owner, type and data, without the TTL."""
        return "%s %s %s" % (name_text(lower(self.owner)), type_text(self.type),
                             rdata_text(self.type, self.rdata))


class Message:
    def __init__(self, wire):
        self.wire = wire
        (self.id, self.flags, questions, answers, authorities,
         additionals) = struct.unpack("!HHHHHH", wire[:12])
        at = 12
        self.question = None
        for _ in range(questions):
            name, at = read_name(wire, at)
            self.question = (name,) + struct.unpack("!HH", wire[at:at + 4])
            at += 4
        self.answer, at = self._section(at, answers)
        self.authority, at = self._section(at, authorities)
        additional, at = self._section(at, additionals)
        self.additional = [record for record in additional if record.type != 41]

    def _section(self, at, count):
        records = []
        for _ in range(count):
            owner, at = read_name(self.wire, at)
            rrtype, _, ttl, length = struct.unpack("!HHIH", self.wire[at:at + 10])
            at += 10
            records.append(Record(owner, rrtype, ttl,
                                  canonical_rdata(rrtype, self.wire, at, length)))
            at += length
        return records, at

    @property
    def rcode(self):
        return RCODES.get(self.flags & 15, str(self.flags & 15))

    @property
    def aa(self):
        return bool(self.flags & 0x0400)

    @property
    def tc(self):
        return bool(self.flags & 0x0200)

    def answers(self):
        """The answer section as sorted text without owner and TTL: ["A 192.0.2.1"]."""
        return sorted("%s %s" % (type_text(r.type), rdata_text(r.type, r.rdata))
                      for r in self.answer)

    def __str__(self):
        lines = ["%s%s%s %s %s" % (self.rcode, " aa" if self.aa else "", " tc" if self.tc else "",
                                   name_text(self.question[0]) if self.question else "-",
                                   type_text(self.question[1]) if self.question else "-")]
        for title, section in (("answer", self.answer), ("authority", self.authority),
                               ("additional", self.additional)):
            lines += ["  %-10s %r" % (title, record) for record in sorted(section)]
        return "\n".join(lines)


def build_query(name, rrtype, rd=False, edns=True, ident=None, authority=b"", qclass=1):
    if isinstance(name, str):
        name = name_from_text(name)
    if isinstance(rrtype, str):
        rrtype = type_number(rrtype)
    if ident is None:
        ident = struct.unpack("!H", os.urandom(2))[0]
    wire = struct.pack("!HHHHHH", ident, 0x0100 if rd else 0, 1, 0, 1 if authority else 0,
                       1 if edns else 0)
    wire += name_wire(name) + struct.pack("!HH", rrtype, qclass) + authority
    if edns:
        wire += b"\0" + struct.pack("!HHIH", 41, 4096, 0, 0)
    return wire


class Timeout(Exception):
    pass


# An address is (host, port) or (host, port, source): the source tells named which view to use.

def ask_udp(address, wire, timeout=2.0, tries=3):
    """One question, one answer (octets)."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        if address[2:]:
            s.bind((address[2], 0))
        s.connect(address[:2])
        for _ in range(tries):
            deadline = time.monotonic() + timeout
            try:
                s.send(wire)
                while True:
                    s.settimeout(max(0.001, deadline - time.monotonic()))
                    reply = s.recv(65535)
                    if reply[:2] == wire[:2]:
                        return reply
            except socket.timeout:
                continue
            except ConnectionRefusedError:
                # Nobody listens (yet): the next try decides.
                time.sleep(0.02)
    raise Timeout("no answer from %s port %d" % address[:2])


def _read_exactly(s, count):
    data = b""
    while len(data) < count:
        more = s.recv(count - len(data))
        if not more:
            raise EOFError("the server closed the connection")
        data += more
    return data


def _connect(address, timeout):
    source = (address[2], 0) if address[2:] else None
    return socket.create_connection(address[:2], timeout, source)


def ask_tcp(address, wire, timeout=10.0):
    with _connect(address, timeout) as s:
        s.sendall(struct.pack("!H", len(wire)) + wire)
        return _read_exactly(s, struct.unpack("!H", _read_exactly(s, 2))[0])


def query(address, name, rrtype, rd=False, timeout=2.0, tries=3):
    """Asks over UDP, and again over TCP when the answer was cut. Returns a Message."""
    wire = build_query(name, rrtype, rd)
    message = Message(ask_udp(address, wire, timeout, tries))
    if message.tc:
        message = Message(ask_tcp(address, wire))
    return message


def axfr(address, zone, timeout=60.0):
    """The whole zone as a list of records, the SOA first and last; (rcode, []) when refused."""
    wire = build_query(zone, "AXFR", edns=False)
    records = []
    with _connect(address, timeout) as s:
        s.sendall(struct.pack("!H", len(wire)) + wire)
        while True:
            message = Message(_read_exactly(s, struct.unpack("!H", _read_exactly(s, 2))[0]))
            if message.rcode != "NOERROR":
                return message.rcode, []
            records += message.answer
            if not message.answer or (len(records) > 1 and records[-1].type == 6):
                return "NOERROR", records
