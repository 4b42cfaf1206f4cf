# SPDX-License-Identifier: Apache-2.0
"""Reads test/fixtures/smuggling.txt, whose format stands at its top."""
import collections
import re

Vector = collections.namedtuple("Vector", "name row good where data")

ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|\*(\d+)\{([^}]*)\}|([rnt0\\]))")
SINGLE = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}


def unescape(text):
    out, at = b"", 0
    for m in ESCAPE.finditer(text):
        out += text[at:m.start()].encode("latin-1")
        if m[1]:
            out += bytes([int(m[1], 16)])
        elif m[2]:
            out += unescape(m[3]) * int(m[2])
        else:
            out += SINGLE[m[4]]
        at = m.end()
    return out + text[at:].encode("latin-1")


def load(path, host):
    vectors, text = [], ""
    with open(path, encoding="latin-1", newline="\n") as f:
        for line in [*f, "== end ok 0 -\n"]:
            line = line.removesuffix("\n")
            if line.startswith("== "):
                if vectors:
                    data = unescape(text).replace(b"victim.example", host.encode())
                    vectors[-1] = vectors[-1]._replace(data=data)
                name, row, good, where = line[3:].split(" ")
                vectors.append(Vector(name, row, int(good), where, b""))
                text = ""
            elif line.startswith("| "):
                text += line[2:]
    return vectors[:-1]
