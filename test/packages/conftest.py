# SPDX-License-Identifier: Apache-2.0
"""Tests of what `make packages`, `make static` and `make oci` have built: `make packages-check` runs them. They skip,
loudly, what this machine has no tools for."""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "test", "lib"))

os.umask(0o022)
