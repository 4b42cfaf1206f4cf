# SPDX-License-Identifier: Apache-2.0
"""The library dns beside real programs: nsd on the same zone, nsd as a secondary, dig, kdig, drill, nsupdate, dnsperf."""
import os
import shutil

import pytest

from dnslab import NSD, Dice, Nsd, Responder
from dnswire import AA, CD, RA, RD, TC, TYPES, Asker, Message, opt, question

needs_nsd = pytest.mark.skipif(not NSD, reason="no nsd: nothing to compare with (Debian: nsd)")
QUESTIONS = int(os.environ.get("DNS_QUESTIONS", "5000"))


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path)


def ask(dice, i):
    """One question by chance, and whether over TCP."""
    r = dice.random
    kind = r.choice([*TYPES.values(), 1, 1, 1, 28, 16, 16, 1234])
    if kind == TYPES["OPT"]:
        kind = TYPES["TXT"]
    extra = r.choice([b"", b"", opt(), opt(4096), opt(512), opt(700, do=True), opt(100), opt(1232, version=1), opt(options=b"\xfd\xe9\0\2ab")])
    flags = r.choice([0, 0, RD, RD, CD, RD | CD | 0x20])
    qclass = r.choice([1] * 20 + [3, 4])
    return question(dice.question_name(), kind, i & 0xffff, flags, qclass, extra), r.random() < 0.2


def judged(answer, kind):
    """What must be the same. ANY may be answered with whichever set; what did not fit may be left out differently."""
    m = Message(answer)
    sections, flags = m.sections, m.flags & ~CD
    if kind == TYPES["ANY"] and (flags & TC or len({(r[0], r[1]) for r in sections[0]}) == 1):
        sections, flags = "one set", flags & ~TC
    elif flags & TC:
        sections = "cut"
    # CD is a resolver's (RFC 4035 3.2.2), nsd copies it into what it refuses; and there it drops some questions.
    return {"rcode": m.rcode, "flags": hex(flags), "question": m.question if m.rcode in (0, 3) else None,
            "edns": m.edns and {k: m.edns[k] for k in ("version", "do")}, "sections": sections}


@needs_nsd
@pytest.mark.parametrize("seed", [1, 2])
def test_answers_are_those_of_nsd(folder, seed):
    """The same questions to both on the same zone: no difference in rcode, flags and sections."""
    dice = Dice(seed, 400)
    ours, theirs = Responder(folder, dice.records), Nsd(folder, dice.records)
    us, them = Asker(ours.port), Asker(theirs.port)
    try:
        for i in range(QUESTIONS // 2):
            message, tcp = ask(dice, i)
            kind = int.from_bytes(Message(message).question[-4:-2], "big")
            mine, nsds = us.ask(message, tcp), them.ask(message, tcp)
            assert mine is not None and nsds is not None, f"seed {seed}, question {i}: {message.hex()}"
            assert judged(mine, kind) == judged(nsds, kind), f"seed {seed}, question {i}: {message.hex()} tcp={tcp}"
    finally:
        us.close()
        them.close()
        theirs.end()
    ours.stop()
