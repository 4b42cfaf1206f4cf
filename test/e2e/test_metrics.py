# SPDX-License-Identifier: Apache-2.0
"""What a scraper sees of an edge: counts that agree with what was done, and a text that Prometheus' own checker takes."""
import http.client
import re
import shutil
import subprocess

import pytest

from conftest import ROOT
from process import WAIT_S, until


def metrics(edge):
    """Samples by their whole name, labels included."""
    text = edge.ctl("metrics")
    return {m[1]: float(m[2]) for m in re.finditer(r"^([^# ][^ ]*(?:\{.*\})?) (\S+)$", text, re.M)}


def test_what_was_done_is_counted(lab):
    edge, agent, origin = lab.web()
    before = metrics(edge)
    assert before['adit_tunnels{state="up"}'] == 1 and before["adit_links"] == 1
    assert before['adit_requests_total{code_class="2xx"}'] == 0, "a probe is nobody's request"
    for _ in range(5):
        assert edge.get().status == 200
    assert edge.get(host="nobody.localhost").status == 404
    until(lambda: metrics(edge)['adit_requests_total{code_class="4xx"}'] == 1)
    now = metrics(edge)
    assert now['adit_requests_total{code_class="2xx"}'] == 5
    assert now['adit_errors_total{code="unknown-name"}'] == 1
    assert now["adit_request_duration_seconds_count"] == 6
    assert now['adit_request_duration_seconds_bucket{le="+Inf"}'] == 6
    assert 0 < now["adit_request_duration_seconds_sum"] < 60
    assert now['adit_bytes_total{direction="tx"}'] >= 10
    assert now["adit_store_failed"] == 0 and now["adit_stopping"] == 0
    assert now["process_open_fds"] > 5 and now["process_resident_memory_bytes"] > 1e6
    assert now['adit_limit_used{name="links"}'] == 1 < now['adit_limit{name="links"}']


def test_a_lost_agent_is_away_and_a_stopped_one_is_not(lab):
    edge, agent, origin = lab.web()
    agent.kill()
    until(lambda: metrics(edge)['adit_tunnels{state="away"}'] == 1)
    again = lab.agent(edge, "http", origin.address, "--name", "web")
    assert metrics(edge)['adit_tunnels{state="away"}'] == 0
    again.stop()
    until(lambda: metrics(edge)['adit_tunnels{state="stopped"}'] == 1)
    assert metrics(edge)['adit_tunnels{state="away"}'] == 0


def test_named_tunnels_have_families_of_their_own(lab):
    edge = lab.edge(config="metrics: { tunnels: [web, later] }\n")
    origin = lab.origin()
    assert metrics(edge)['adit_tunnel_up{tunnel="web"}'] == 0
    agent = lab.agent(edge, "http", origin.address, "--name", "web")
    assert edge.get().status == 200
    until(lambda: metrics(edge).get('adit_tunnel_requests_total{code_class="2xx",tunnel="web"}') == 1)
    agent.stop()
    agent = lab.agent(edge, "http", origin.address, "--name", "web")
    assert edge.get().status == 200
    until(lambda: metrics(edge)['adit_tunnel_requests_total{code_class="2xx",tunnel="web"}'] == 2)  # it outlives a link
    now = metrics(edge)
    assert now['adit_tunnel_up{tunnel="web"}'] == 1 and now['adit_tunnel_up{tunnel="later"}'] == 0
    assert now['adit_tunnel_request_duration_seconds_count{tunnel="web"}'] == 2
    assert now['adit_tunnel_request_duration_seconds_count{tunnel="later"}'] == 0


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool: Debian's package prometheus has it")
def test_promtool_takes_text_and_rules(lab):
    edge, agent, origin = lab.web()
    assert edge.get().status == 200
    done = subprocess.run(["promtool", "check", "metrics"], input=edge.ctl("metrics"), capture_output=True, text=True, timeout=4 * WAIT_S)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
    done = subprocess.run(["promtool", "check", "rules", f"{ROOT}/etc/alerts.yml"], capture_output=True, text=True, timeout=4 * WAIT_S)
    assert done.returncode == 0 and "SUCCESS: 14 rules" in done.stdout, done


def scrape(agent, path="/metrics", **headers):
    c = http.client.HTTPConnection(agent.up["web"], timeout=4 * WAIT_S)
    c.request("GET", path, headers=headers)
    r = c.getresponse()
    body = r.read().decode()
    c.close()
    return r, body


def samples(text):
    return {m[1]: float(m[2]) for m in re.finditer(r"^([^# ][^ ]*(?:\{.*\})?) (\S+)$", text, re.M)}


def test_an_agent_has_metrics_of_its_own(lab):
    origin, edge = lab.origin(), lab.edge()
    agent = lab.agent(edge, "http", origin.address, "--name", "web", "--web", "127.0.0.1:0")
    for _ in range(3):
        assert edge.get().status == 200
    until(lambda: samples(scrape(agent)[1])['adit_agent_requests_under_way{tunnel="web"}'] == 0)
    r, text = scrape(agent)
    now = samples(text)
    assert r.status == 200 and r.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert now['adit_agent_requests_total{tunnel="web"}'] == 3 and now["adit_agent_link_up"] == 1
    assert now['adit_agent_tunnel_up{tunnel="web"}'] == 1 and now["adit_agent_links_total"] == 1
    assert now["process_open_fds"] > 5 and now["adit_agent_capture_on"] == 1
    r, text = scrape(agent, Accept="application/openmetrics-text; version=1.0.0")
    assert r.headers["Content-Type"].startswith("application/openmetrics-text") and text.endswith("# EOF\n")
    # Health is for everybody who may connect; figures name tunnels, and are for whoever may read the rest.
    r, text = scrape(agent, "/healthz")
    assert (r.status, text) == (200, "ok\n")
    assert scrape(agent, "/readyz")[0].status == 200
    assert scrape(agent, Host="rebound.example.org")[0].status == 421
    assert scrape(agent, Origin="https://evil.example.org")[0].status == 403
    edge.stop()
    r, text = until(lambda: (lambda a: a if a[0].status == 503 else None)(scrape(agent, "/readyz")))
    assert "no link" in text and "web" not in text
    assert samples(scrape(agent)[1])["adit_agent_link_up"] == 0
    if shutil.which("promtool") is not None:
        done = subprocess.run(["promtool", "check", "metrics"], input=scrape(agent)[1], capture_output=True, text=True, timeout=4 * WAIT_S)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
