# SPDX-License-Identifier: Apache-2.0
"""Debian's Buildbot comes without its web pages, and does not start its REST API and hooks without any; these are none."""
from buildbot.www.plugin import Application

ep = Application(__name__, "no pages: the API under /api/v2 is all that is wanted", ui=False)
