# SPDX-License-Identifier: Apache-2.0
import os
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import Lab  # noqa: E402

os.umask(0o022)  # adit refuses files that others may write

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: waits for real time; runs with ADIT_SLOW=1")


def pytest_collection_modifyitems(items):
    if os.environ.get("ADIT_SLOW"):
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow; ADIT_SLOW=1 runs it"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    setattr(item, "report_" + call.when, outcome.get_result())


@pytest.fixture
def lab(request):
    # Not tmp_path: its names are too long for Unix sockets.
    with tempfile.TemporaryDirectory(prefix="adit-") as folder:
        made = Lab(folder)
        yield made
        report = getattr(request.node, "report_call", None)
        made.close(judge=report is not None and report.passed)


@pytest.fixture(scope="module")
def shared_lab():
    """For tests that only need one edge, one agent and one origin among them."""
    with tempfile.TemporaryDirectory(prefix="adit-") as folder:
        made = Lab(folder)
        yield made
        made.close(judge=True)
