# SPDX-License-Identifier: Apache-2.0
"""Words for people: sentences that readers did not understand stay away from README, manuals, guides and both programs."""
import glob
import os
import re

import pytest

from conftest import ROOT
from lab import ADIT, ADITD

# What people stumbled over, and what says it plainly.
BANNED = {
    "for ever": "say who keeps it, and until when",
    "slows only himself": "a slow visitor slows down nobody else",
    "himself": "name who is meant",
    "can be had": "say who does it",
    "may be had": "say who does it",
    "opens the connection": "a proxy that decrypts TLS",
    "Nothing: ": "you need not do anything: ...",
    "Nothing, or": "wait, or ...",
    "of this HELLO": "of this agent",
    "What stands": "the text after ..., the part from ... on",
    "stands there twice": "was sent twice",
    "says goodbye": "ends the link",
    "handed on": "no other account gets it",
    "handed to anybody": "nobody else gets it",
    "for once": "for this run",
    "is now also": "was copied to",
    "a stranger never does": "no other account gets it",
    "takes nothing until": "stores nothing more until it is restarted",
    "from whoever": "from an authority that ...",
    "must see to": "must look at",
    "must lead to": "trust these certificates",
    "look whether": "check that",
    "Look whether": "Check that",
    "was heard from": "sends nothing any more",
    "whom nobody": "which nobody knows",
    "Left out, it is": "without it ...",
    "are looked at": "say who checks them",
}


TEXTS = ["README.md", *sorted(os.path.relpath(p, ROOT) for k in ("man/*", "doc/*.md") for p in glob.glob(os.path.join(ROOT, k)))]


def strings(path):
    """What the program can print: runs of printable bytes."""
    with open(path, "rb") as f:
        return [s for s in map(bytes.decode, re.findall(rb"[ -~\n]{6,}", f.read())) if "CREATE TABLE" not in s]


def found(text):
    flat = re.sub(r"\s+", " ", text)
    return [f'"{words}": {plain}' for words, plain in BANNED.items()
            if re.search(rf"(?<!\w){re.escape(words)}" + (r"(?!\w)" if words[-1].isalpha() else ""), flat)]


@pytest.mark.parametrize("path", TEXTS)
def test_texts_are_plain(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        assert found(f.read()) == [], path


@pytest.mark.parametrize("program", [ADIT, ADITD], ids=["adit", "aditd"])
def test_programs_are_plain(program):
    said = strings(program)
    assert any("adit login URL" in s for s in said) or "aditd" in os.path.basename(program)
    wrong = {s: found(s) for s in said if found(s)}
    assert wrong == {}


# Texts show one domain for the edge; these belong to others.
OTHERS = {"bitbucket.example.com", "hook.example.com", "example.com", "ns2.example.net"}  # a customer's; a name server of somebody else


@pytest.mark.parametrize("path", TEXTS)
def test_one_domain_in_examples(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        shown = re.findall(r"[\w*.-]*\bexample\.(?:org|com|net)\b", f.read())
    assert [d for d in shown if d not in OTHERS and not re.fullmatch(r"([\w*-]+\.)?tunnel\.example\.org|(_[a-z-]+|\*)\.example\.com", d)] == [], path


def test_the_list_is_looked_for():
    assert found("A name has one owner for\never.") and found("Nothing: the queue waits") and found("What stands behind '#'") and not found("for everybody")


def test_every_word_of_the_glossary_names_something_in_the_sources():
    with open(os.path.join(ROOT, "ARCHITECTURE.md")) as f:
        table = f.read().split("\n## Words\n")[1].split("\n## ")[0]
    words = [w.strip() for row in re.findall(r"^\| ([a-z, ]+) \|", table, re.M) for w in row.split(",")]
    sources = ""
    for path in glob.glob(os.path.join(ROOT, "src/**/*.[ch]"), recursive=True):
        with open(path) as f:
            sources += f.read()
    assert len(words) > 30, words
    # As a name, as the first part of one, or in a comment.
    assert not [w for w in words if w != "word" and not re.search(rf"\b({w}|{w.replace(' ', '_')})(\b|_)", sources)]
