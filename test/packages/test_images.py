# SPDX-License-Identifier: Apache-2.0
"""Images of containers, made without an engine and read by skopeo and umoci; and bills of materials."""
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile

import pytest

from conftest import ROOT

STATIC = f"{ROOT}/build/static"


def run(*argv, **kw):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=600, **kw)
    assert done.returncode == 0, f"{argv}\n{done.stdout}{done.stderr}"
    return done.stdout


def programs(name):
    found = {f.rpartition("-")[2]: f for f in sorted(glob.glob(f"{STATIC}/{name}-linux-*")) if not f.endswith(".libraries")}
    return found or pytest.skip(f"IMAGES ARE NOT TESTED: no {name} in build/static; `make static` builds it")


@pytest.fixture(params=["adit", "aditd"])
def image(request, tmp_path):
    """(name, file, what is in it)"""
    made = programs(request.param)
    path = tmp_path / "image.tar"
    run(f"{ROOT}/tools/oci", path, request.param, "1.2.3", *(f"{arch}={program}" for arch, program in made.items()))
    return request.param, str(path), made


def test_two_runs_make_the_same_bytes(image, tmp_path):
    name, path, made = image
    run(f"{ROOT}/tools/oci", tmp_path / "again.tar", name, "1.2.3", *(f"{arch}={program}" for arch, program in made.items()), env={**os.environ, "TZ": "Asia/Kathmandu"})
    with open(path, "rb") as f, open(tmp_path / "again.tar", "rb") as g:
        assert f.read() == g.read()


def test_every_blob_is_what_its_name_says(image):
    """OCI image-spec: oci-layout, index.json, blobs by digest; and every descriptor leads somewhere."""
    with tarfile.open(image[1]) as tar:
        files = {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    seen, wanted = set(), [json.loads(files["index.json"])]
    while wanted:
        node = wanted.pop()
        for d in node.get("manifests", []) + node.get("layers", []) + [d for d in [node.get("config")] if d and "digest" in d]:
            body = files["blobs/sha256/" + d["digest"].removeprefix("sha256:")]
            assert hashlib.sha256(body).hexdigest() == d["digest"].removeprefix("sha256:") and len(body) == d["size"]
            seen.add(d["digest"].removeprefix("sha256:"))
            if d["mediaType"].endswith("+json"):
                wanted.append(json.loads(body))
    assert {os.path.basename(f) for f in files if f.startswith("blobs/")} == seen


def test_others_read_it(image, tmp_path):
    name, path, made = image
    missing = [p for p in ("skopeo", "umoci") if not shutil.which(p)]
    if missing:
        pytest.skip(f"IMAGES ARE NOT READ BY OTHERS: no {', '.join(missing)}")
    for arch in made:
        about = json.loads(run("skopeo", "--override-arch", arch, "inspect", "--config", f"oci-archive:{path}:1.2.3"))
        assert about["architecture"] == arch and about["config"]["User"] == "65534:65534"
        run("skopeo", "--override-arch", arch, "copy", f"oci-archive:{path}:1.2.3", f"oci:{tmp_path}/layout:{arch}")
        run("umoci", "unpack", *(() if os.geteuid() == 0 else ("--rootless",)), "--image", f"{tmp_path}/layout:{arch}", f"{tmp_path}/{arch}")
        root = f"{tmp_path}/{arch}/rootfs"
        with open(f"{root}/usr/bin/{name}", "rb") as f, open(made[arch], "rb") as g:
            assert f.read() == g.read()
        assert not glob.glob(f"{root}/**/sh", recursive=True)
        if os.geteuid() == 0 and arch == run("dpkg", "--print-architecture").strip():
            said = run("chroot", "--userspec=65534:65534", root, *about["config"]["Entrypoint"], "version")
            assert said.startswith(name + " ")


def rules_of_cyclonedx(bom):
    """What bom-1.5.schema.json demands of the members that are used."""
    assert bom["bomFormat"] == "CycloneDX" and bom["specVersion"] == "1.5" and isinstance(bom["version"], int) and bom["version"] >= 1
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", bom["serialNumber"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", bom["metadata"]["timestamp"])
    assert set(bom) <= {"$schema", "bomFormat", "specVersion", "serialNumber", "version", "metadata", "components", "dependencies"}
    components = [bom["metadata"]["component"], *bom["components"]]
    refs = [c["bom-ref"] for c in components]
    assert len(set(refs)) == len(refs)
    for c in components:
        assert c["type"] in ("application", "library") and c["name"] and c["version"]
        assert set(c) <= {"type", "bom-ref", "name", "version", "purl", "hashes", "licenses"}
        assert re.fullmatch(r"pkg:(deb/debian|generic)/[a-z0-9.+-]+@[A-Za-z0-9.%~-]+\?arch=[a-z0-9]+", c["purl"]), c["purl"]
        for h in c.get("hashes", []):
            assert h["alg"] == "SHA-256" and re.fullmatch("[0-9a-f]{64}", h["content"])
        for choice in c.get("licenses", []):
            assert set(choice) in ({"license"}, {"expression"})
    for d in bom["dependencies"]:
        assert d["ref"] in refs and set(d.get("dependsOn", [])) <= set(refs)
    assert {d["ref"] for d in bom["dependencies"]} == set(refs)


@pytest.mark.parametrize("name", ["adit", "aditd"])
def test_a_bill_names_what_is_in_the_program(name):
    for arch, program in programs(name).items():
        bom = json.loads(run(f"{ROOT}/tools/sbom", program, program + ".libraries"))
        rules_of_cyclonedx(bom)
        with open(program, "rb") as f:
            assert bom["metadata"]["component"]["hashes"][0]["content"] == hashlib.sha256(f.read()).hexdigest()
        names = {c["name"] for c in bom["components"]}
        assert {"libssl-dev", "libc6-dev", "libc-ares-dev", "libjansson-dev", "libyaml-dev"} <= names
        assert ("libsqlite3-dev" in names) == (name == "aditd")
    shared = f"{ROOT}/build/{name}"
    if os.path.exists(shared):
        bom = json.loads(run(f"{ROOT}/tools/sbom", shared))
        rules_of_cyclonedx(bom)
        assert {"libssl3", "libc6"} <= {c["name"].removesuffix("t64") for c in bom["components"]}
