# SPDX-License-Identifier: Apache-2.0
"""The inspector's pages (src/web/ui), in node and in a browser, against test/lib/inspector_mock.py.

Node's own test runner runs test/ui/*.test.mjs, the modules that need no browser, and test/ui/*.browser.mjs, the pages in
Debian's Chromium by Playwright. Skipped, and said so, without node, without the packages of npm (tools/deps ws), without
Chromium."""
import filecmp
import glob
import os
import shutil
import subprocess

import pytest
from lab import SANITIZED

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UI = os.path.join(ROOT, "src", "web", "ui")
NODE = shutil.which("node")
NPM = next((p for p in (os.path.join(os.environ.get("ADIT_BUILD", os.path.join(ROOT, "build")), "npm", "node_modules"), os.path.join(ROOT, "build", "npm", "node_modules"))
            if os.path.isdir(os.path.join(p, "playwright-core"))), None)
# Playwright's own floor; Debian 12 has an older one, which is enough for the modules.
BROWSER_NODE_MIN = 20
NODE_MAJOR = int(subprocess.run([NODE, "--version"], capture_output=True, text=True).stdout.strip().lstrip("v").split(".")[0] or 0) if NODE else 0
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FILE_LINES_MAX = 500

PAGES = sorted(os.path.basename(p) for p in glob.glob(os.path.join(ROOT, "test", "ui", "*.browser.mjs")))
# Every page in two themes and three widths, and a history of 100,000 rows, take minutes: ADIT_SLOW=1.
MINUTES = ("axe.browser.mjs", "speed.browser.mjs")

needs_node = pytest.mark.skipif(not NODE, reason="no node: the inspector's modules are not tested")


def run(path, seconds, **more):
    done = subprocess.run([NODE, "--test", path], cwd=ROOT, env=dict(os.environ, **more), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds)
    text = done.stdout.decode("utf-8", "replace")
    print("\n".join(line for line in text.splitlines() if line.startswith("# p95") or line.startswith("# pass")))
    assert done.returncode == 0, text[-12000:]


@needs_node
@pytest.mark.parametrize("path", sorted(os.path.basename(p) for p in glob.glob(os.path.join(ROOT, "test", "ui", "*.test.mjs"))))
def test_modules(path):
    run(os.path.join("test", "ui", path), 120)


@needs_node
@pytest.mark.skipif(NODE_MAJOR < BROWSER_NODE_MIN, reason=f"node is older than {BROWSER_NODE_MIN}: the inspector's pages are not tested")
@pytest.mark.skipif(not NPM, reason="no playwright-core in build/npm (tools/deps ws): the inspector's pages are not tested")
@pytest.mark.skipif(not CHROMIUM, reason="no chromium: the inspector's pages are not tested")
@pytest.mark.skipif(SANITIZED, reason="no program of ours takes part: once is enough")
@pytest.mark.parametrize("path", [pytest.param(p, marks=[pytest.mark.slow] if p in MINUTES else []) for p in PAGES])
def test_pages(path):
    run(os.path.join("test", "ui", path), 900, NPM=NPM, CHROMIUM=CHROMIUM)


@pytest.mark.skipif(not NODE or not os.path.isdir(os.path.join(ROOT, "build", "vendor", "node_modules", "esbuild")),
                    reason="no build/vendor (make vendor): the bundle is not built again")
def test_vendor_bundle_is_what_its_lock_gives():
    done = subprocess.run([os.path.join(ROOT, "tools", "vendor"), "--check"], env=dict(os.environ, ADIT_BUILD=os.path.join(ROOT, "build")), capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()


def test_files_keep_the_house():
    """What a reviewer would look for first: no markup from text, no code from text, nothing from elsewhere, short files."""
    seen = 0
    for path in glob.glob(os.path.join(UI, "**", "*"), recursive=True):
        name = os.path.relpath(path, UI)
        if not path.endswith((".js", ".css", ".html")) or name.startswith("vendor"):
            continue
        with open(path, encoding="utf-8") as f:
            text = f.read()
        seen += 1
        assert path.endswith(".html") or "SPDX-License-Identifier: Apache-2.0" in text.splitlines()[0], name
        assert text.count("\n") <= FILE_LINES_MAX, name
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "dangerouslySetInnerHTML", "EventSource", "document.cookie",
                     "http://cdn", "https://cdn", "importmap"):
            assert word not in text, f"{name}: {word}"
        if path.endswith(".html"):
            assert "style=" not in text and "<script>" not in text and " onclick" not in text, name
    assert seen > 30


def test_vendor_files_are_all_there():
    for name in ("vendor.js", "LICENSES", "uplot.css", "package.json", "package-lock.json", "entry.js"):
        assert os.path.getsize(os.path.join(UI, "vendor", name)) > 100
    assert not filecmp.cmp(os.path.join(UI, "vendor", "vendor.js"), os.path.join(UI, "vendor", "entry.js"), shallow=False)
