# SPDX-License-Identifier: Apache-2.0
"""`adit service`: the unit that it writes, and what it asks of systemctl, which is played by a script that writes down."""
import os
import re
import shutil
import stat
import subprocess
import tempfile

import pytest

from lab import ADIT
from process import WAIT_S

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SYSTEMCTL = """#!/bin/sh
echo "$@" >>"$HOME/asked"
case " $* " in
*" is-active "*) echo "${ACTIVE:-active}" ;;
*" is-enabled "*) echo enabled ;;
*" $FAILS "*) exit 1 ;;
esac
"""
CONFIG = "edge: https://edge.test\ntoken: adit_1_secretsecretsecret\ntunnels:\n  web: { origin: 8080 }\n"
NOBODY = 65534


class User:
    """Somebody who is not root, with a home, a configuration and a systemctl."""

    def __init__(self, config=CONFIG, systemctl=SYSTEMCTL):
        self.home = tempfile.mkdtemp(prefix="adit-service-")
        self.tools = os.path.join(self.home, "bin")
        os.makedirs(self.tools)
        if systemctl:
            self.write(os.path.join(self.tools, "systemctl"), systemctl, 0o755)
        if config:
            self.write(os.path.join(self.home, ".config/adit/adit.yml"), config, 0o600)
        self.unit = os.path.join(self.home, ".config/systemd/user/adit.service")
        self.program = os.path.join(self.home, "adit")
        shutil.copy(ADIT, self.program)
        self.own()

    def write(self, path, text, mode=0o644):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)

    def own(self):
        if os.geteuid() == 0:
            for folder, names, files in os.walk(self.home):
                for name in [".", *names, *files]:
                    os.chown(os.path.join(folder, name), NOBODY, NOBODY)

    def adit(self, *words, code=0, env=None, root=False):
        who = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 and not root else {}
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "SUDO_", "ADIT_"))}
        done = subprocess.run([self.program, "service", *words], capture_output=True, text=True, timeout=2 * WAIT_S, cwd=self.home,
                              env={**clean, "HOME": self.home, "PATH": self.tools + ":/usr/bin:/bin", **(env or {})}, **who)
        assert done.returncode == code, done
        return done.stdout + done.stderr

    def asked(self):
        path = os.path.join(self.home, "asked")
        if not os.path.exists(path):
            return []
        with open(path) as f:
            said = f.read().splitlines()
        os.unlink(path)
        return [line for line in said if "show-environment" not in line]

    def text(self):
        with open(self.unit) as f:
            return f.read()


@pytest.fixture
def user(request):
    made = User(**getattr(request, "param", {}))
    yield made
    shutil.rmtree(made.home)


def test_the_life_of_a_user_unit(user):
    said = user.adit("install")
    assert user.asked() == ["--user daemon-reload", "--user enable --now adit.service"]
    assert "loginctl enable-linger" in said and user.unit in said
    text = user.text()
    assert f'ExecStart="{user.program}" "start" "--all"\n' in text
    assert "Type=notify\n" in text and "WatchdogSec=60\n" in text and "secret" not in text
    assert stat.S_IMODE(os.stat(user.unit).st_mode) == 0o644
    # Once more: nothing has changed, so nothing is started anew.
    user.adit("install")
    assert user.asked() == ["--user daemon-reload", "--user enable --now adit.service"]
    user.adit("install", "-f", ".config/adit/adit.yml")
    assert user.asked()[-1] == "--user restart adit.service"
    assert f'"start" "--all" "--file" "{user.home}/.config/adit/adit.yml"' in user.text()
    assert "now:      active" in user.adit("status")
    assert '"installed":true,"enabled":"enabled","active":"failed"' in user.adit("status", "--json", code=1, env={"ACTIVE": "failed"})
    user.asked()
    user.adit("uninstall")
    assert user.asked() == ["--user disable --now adit.service", "--user daemon-reload"]
    assert not os.path.exists(user.unit)
    assert "nothing to remove" in user.adit("uninstall") and user.asked() == []


def test_a_command_line_becomes_a_unit(user):
    user.adit("install", "--", "http", "8080", "--name", "x", "--origin-host", "50%$HOME \"q\"")
    text = user.text()
    assert '"http" "8080" "--name" "x" "--origin-host" "50%%$$HOME \\"q\\""\n' in text
    assert f"WorkingDirectory={user.home}\n" in text


def test_dry_run_does_nothing(user):
    said = user.adit("install", "-n")
    assert "would write" in said and "would run: systemctl --user enable --now adit.service" in said and "[Service]" in said
    assert user.asked() == [] and not os.path.exists(user.unit)
    user.adit("install")
    user.asked()
    assert "would remove" in user.adit("uninstall", "-n") and os.path.exists(user.unit) and user.asked() == []


@pytest.mark.parametrize("words, said", [
    (["install", "--", "http", "8080", "--token", "adit_x"], "--token-file"),
    (["install", "--", "http", "8080", "--token-file", "-"], "no standard input"),
    (["install", "--", "http"], "an argument is missing"),
    (["install", "--", "http", "8080", "--nam", "x"], "did you mean --name"),
    (["install", "--", "inbox", "list"], "http, tcp, tls or start is wanted"),
    (["install", "-f", "a", "--", "start", "--all"], "belongs behind --"),
    (["install", "-f", "missing.yml"], "No such file"),
    (["install", "--", "http", "8080", "--origin-host", "a\nExecStartPre=/x"], "control character"),
    (["install", "--system"], "sudo"),
    (["install", "--user", "root"], "--system"),
])
def test_mistakes_are_found_before_anything_is_written(user, words, said):
    assert said in user.adit(*words, code=2)
    assert user.asked() == [] and not os.path.exists(user.unit)


@pytest.mark.parametrize("user, said", [
    ({"config": None}, "adit login"),
    ({"config": "edge: https://edge.test\n"}, "adit login"),
    ({"config": CONFIG.split("tunnels")[0]}, "has no tunnels"),
    ({"config": "edgy: x\n"}, "adit.yml:1:1"),
], indirect=["user"])
def test_what_a_service_needs_must_stand_in_files(user, said):
    assert said in user.adit("install", code=2, env={"ADIT_TOKEN": "adit_1_secretsecretsecret"})
    assert not os.path.exists(user.unit)


def test_a_token_file_in_the_command_is_enough(user):
    os.unlink(os.path.join(user.home, ".config/adit/adit.yml"))
    user.adit("install", "--", "http", "8080", "--edge", "https://edge.test", "--token-file", "token")
    assert '"--token-file" "token"' in user.text()


def test_a_unit_of_somebody_else_stays(user):
    user.write(user.unit, "[Service]\nExecStart=/bin/true\n")
    user.own()
    for word in ("install", "uninstall"):
        assert "was not written by adit service" in user.adit(word, code=1)
    assert "ExecStart=/bin/true" in user.text() and user.asked() == []


@pytest.mark.parametrize("user", [{"systemctl": "#!/bin/sh\nexit 1\n"}], indirect=True)
def test_no_systemd_for_this_user(user):
    assert "--system --user" in user.adit("install", code=1)
    assert not os.path.exists(user.unit)


@pytest.mark.parametrize("user", [{"systemctl": None}], indirect=True)
def test_no_systemd_at_all(user):
    assert "no systemd runs here" in user.adit("install", code=1, env={"PATH": user.tools})
    assert not os.path.exists(user.unit)


def test_what_systemctl_fails_in_is_said(user):
    assert "enable --now has failed" in user.adit("install", code=1, env={"FAILS": "enable"})


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the unit is root's")
def test_a_unit_of_the_system(user):
    assert "--user NAME" in user.adit("install", "-n", root=True, code=2)
    assert "no such user" in user.adit("install", "-n", "--user", "no-such", root=True, code=2)
    said = user.adit("install", "-n", "--user", "root", "--", "http", "8080", "--edge", "https://e.test", "--token-file", "t", root=True)
    assert "would write /etc/systemd/system/adit.service" in said and "\nUser=root\n" in said
    assert "would run: systemctl enable --now adit.service" in said and "multi-user.target" in said
    # What the packaged unit keeps the agent from, this one does, too.
    with open(os.path.join(ROOT, "etc/system/adit@.service")) as f:
        packaged = set(re.findall(r"^([A-Z]\w+=.*)$", f.read(), re.M))
    missing = {line for line in packaged if line not in said}
    assert not {line for line in missing if not line.startswith(("ExecStart", "User", "Description", "Documentation"))}, missing
