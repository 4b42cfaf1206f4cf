# SPDX-License-Identifier: Apache-2.0
"""The Debian packages."""
import glob
import os
import re
import shutil
import subprocess

import pytest

from conftest import ROOT

FOLDER = os.path.join(ROOT, "build", "packages")


def run(*argv, **kw):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=600, **kw)
    assert done.returncode == 0, f"{argv}\n{done.stdout}{done.stderr}"
    return done.stdout


def deb(package):
    found = glob.glob(f"{FOLDER}/{package}_*.deb")
    if len(found) != 1:
        pytest.skip(f"PACKAGES ARE NOT TESTED: no {package}_*.deb in build/packages; `make packages` builds them")
    return found[0]


@pytest.fixture(params=["adit", "aditd"])
def package(request):
    return request.param, deb(request.param)


def files(path):
    return {line.split(None, 5)[5].split(" -> ")[0].removeprefix(".") for line in run("dpkg-deb", "-c", path).splitlines()}


def test_lintian_has_nothing_to_say():
    if not shutil.which("lintian"):
        pytest.skip("LINTIAN IS NOT INSTALLED")
    changes, = glob.glob(f"{FOLDER}/*.changes") or [pytest.skip("no .changes")]
    said = run("lintian", "--allow-root", "--pedantic", "--display-info", "--fail-on=error,warning", changes)
    assert not re.findall(r"^[EWP]:.*$", said, re.M), said


def test_what_is_in_it(package):
    name, path = package
    inside = files(path)
    wanted = {f"/usr/bin/{name}", f"/usr/share/bash-completion/completions/{name}",
              f"/usr/share/zsh/vendor-completions/_{name}", f"/usr/share/fish/vendor_completions.d/{name}.fish", f"/usr/share/doc/{name}/copyright"}
    wanted |= {"/usr/share/man/man8/aditd.8.gz", "/usr/share/man/man5/aditd.yml.5.gz", "/usr/lib/sysusers.d/adit.conf",
               "/usr/share/doc/aditd/examples/aditd.yml"} if name == "aditd" else {
        "/usr/share/man/man1/adit.1.gz", "/usr/lib/systemd/user/adit.service"}
    assert wanted <= inside
    units = [f for f in inside if re.fullmatch(r"(/usr)?/lib/systemd/system/\S+\.service", f)]
    assert [os.path.basename(u) for u in units] == ["aditd.service" if name == "aditd" else "adit@.service"]
    assert not [f for f in inside if f.startswith("/etc/") and not f.endswith("/")], "an administrator's file is not ours to bring"
    assert not [f for f in inside if f.startswith("/usr/local")]


def test_units_name_the_program_that_is_there(package, tmp_path):
    name, path = package
    run("dpkg-deb", "-x", path, tmp_path)
    for unit in glob.glob(f"{tmp_path}/**/systemd/*/*.service", recursive=True):
        with open(unit) as f:
            program, = re.findall(r"^ExecStart=(\S+)", f.read(), re.M)
        assert os.access(f"{tmp_path}{program}", os.X_OK), program


def test_dependencies_are_those_of_the_programs(package):
    name, path = package
    depends = run("dpkg-deb", "-f", path, "Depends")
    for library in ("libssl3", "libc-ares2", "libjansson4", "libyaml-0-2", "libc6", "ca-certificates"):
        assert library in depends, depends
    assert ("libsqlite3-0" in depends) == (name == "aditd") and "-dev" not in depends


def test_programs_are_hardened(package, tmp_path):
    name, path = package
    run("dpkg-deb", "-x", path, tmp_path)
    program = f"{tmp_path}/usr/bin/{name}"
    said = run("readelf", "-h", "-d", "-l", "-W", program)
    assert "DYN (" in said and "BIND_NOW" in said and "GNU_RELRO" in said
    assert not re.search(r"GNU_STACK.*RWE", said)
    assert "__stack_chk_fail" in run("readelf", "--dyn-syms", "-W", program)
    with open(program, "rb") as f:
        assert ROOT.encode() not in f.read(), "the program names the folder that it was built in"
