# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the ispman authors
"""The same small zones in two servers: named with our module, and named with native zones.

    zones = {"wild.test": [("@", "NS", "ns.outside."), ("*", "TXT", '"any"')]}
    with servers.Sandbox("x") as box:
        ours, native = twosides.start(box, zones)

Owners and data are master-file text; targets carry their final dot. Each zone gets a SOA.
"""

import ispman_ldif

SOA = "ns.outside.invalid. hostmaster.outside.invalid. 1 3600 600 604800 300"


def tree_of(zones):
    tree = ispman_ldif.Tree()
    for zone, records in zones.items():
        tree.domain(zone, "primary")
        for owner, rrtype, value in [("@", "SOA", SOA)] + records:
            if not tree.record(zone, owner, rrtype, value, layout="branch"):
                raise ValueError("two entries at one DN: %s %s %s" % (owner, rrtype, value))
    return tree


def native_conf(box, zones):
    conf = ""
    for zone, records in zones.items():
        text = "$TTL 300\n" + "".join("%s IN %s %s\n" % record
                                      for record in [("@", "SOA", SOA)] + records)
        path = box.write("zone-" + zone, text)
        conf += 'zone "%s" { type primary; file "%s"; check-integrity no; };\n' % (zone, path)
    return conf


def start(box, zones, options="minimal-responses yes;"):
    """(named with the module, named with native zones)."""
    native = box.named(zones=native_conf(box, zones), name="native",
                       options=options + " max-records-per-type 0; allow-transfer { any; };")
    for zone in zones:
        native.wait_log("zone %s/IN: loaded serial 1" % zone, 5)
    ldif = box.path("twosides.ldif")
    tree_of(zones).write(ldif)
    cached = box.cached("ldif:" + ldif)
    ours = box.named(dlz=cached, dlz_arguments="allow-transfer=127.0.0.1", options=options, name="module")
    return ours, native


def said(message):
    """What two servers must say alike."""
    def section(records):
        return sorted(repr(record) for record in records)

    return (message.rcode, message.aa, section(message.answer), section(message.authority))
