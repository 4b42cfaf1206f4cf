# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus scrapes an edge and an agent, and its alerts come and go by the rules of etc/alerts.yml."""
import http.client
import json
import os
import re
import shutil

import pytest

from conftest import ROOT
from process import WAIT_S, Process, free_port, until

pytestmark = pytest.mark.skipif(shutil.which("prometheus") is None, reason="no prometheus: Debian's package prometheus has it")

CONFIG = """global: {{ scrape_interval: 300ms, scrape_timeout: 300ms, evaluation_interval: 300ms }}
rule_files: [ {folder}/alerts.yml ]
scrape_configs:
  - job_name: adit
    static_configs: [ {{ targets: ["{edge}"] }} ]
  - job_name: adit-agent
    authorization: {{ credentials_file: {folder}/web-token }}
    static_configs: [ {{ targets: ["{agent}"] }} ]
"""


class Prometheus:
    def __init__(self, lab, edge, agent_address):
        self.folder = os.path.join(lab.folder, "prometheus")
        os.makedirs(self.folder)
        with open(f"{ROOT}/etc/alerts.yml") as f:
            rules = re.sub(r"^(\s+for:) .*$", r"\1 0s", f.read(), flags=re.M)  # the test does not wait for minutes
        self.put("alerts.yml", rules)
        self.put("web-token", open(os.path.join(edge.folder, ".local/state/adit/web-token")).read())
        self.put("prometheus.yml", CONFIG.format(folder=self.folder, edge=edge.ready["dashboard"], agent=agent_address))
        self.address = f"127.0.0.1:{free_port()}"
        self.process = lab.keep(Process(
            ["prometheus", f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data",
             f"--web.listen-address={self.address}", "--log.level=warn"], os.path.join(self.folder, "log"), {"no_proxy": "*"}))

    def put(self, name, text):
        with open(os.path.join(self.folder, name), "w") as f:
            f.write(text)

    def api(self, path):
        c = http.client.HTTPConnection(self.address, timeout=2 * WAIT_S)
        try:
            c.request("GET", "/api/v1/" + path)
            answer = json.loads(c.getresponse().read())
        except (OSError, ValueError):
            assert self.process.alive(), open(self.process.log_path).read()
            return None
        finally:
            c.close()
        return answer["data"] if answer["status"] == "success" else None

    def value(self, query):
        found = self.api(f"query?query={query}")
        return float(found["result"][0]["value"][1]) if found and found["result"] else None

    def fires(self, name):
        alerts = self.api("alerts")
        return alerts and any(a["labels"]["alertname"] == name and a["state"] == "firing" for a in alerts["alerts"])


def test_agent_away_fires_and_clears(lab):
    web = f"127.0.0.1:{free_port()}"
    edge, origin = lab.edge(), lab.origin()
    agent = lab.agent(edge, "http", origin.address, "--name", "web", "--web", web)
    assert edge.get().status == 200
    assert agent.up["web"] == web
    prometheus = Prometheus(lab, edge, web)
    long = 6 * WAIT_S  # it takes its time to start on a loaded machine
    until(lambda: prometheus.value('up{job="adit"}') == 1 and prometheus.value('up{job="adit-agent"}') == 1, long, "both are scraped")
    assert prometheus.value('adit_tunnels{state="up"}') == 1
    until(lambda: prometheus.value('adit_agent_requests_total{tunnel="web"}') == 1, long)
    until(lambda: all(r["health"] == "ok" for g in prometheus.api("rules")["groups"] for r in g["rules"]), long, "every rule was evaluated")
    assert not prometheus.fires("AgentAway") and not prometheus.fires("EdgeDown") and not prometheus.fires("AgentLinkDown")
    agent.kill()
    until(lambda: prometheus.fires("AgentAway"), long, "AgentAway fires")
    agent = lab.agent(edge, "http", origin.address, "--name", "web", "--web", web)
    until(lambda: prometheus.fires("AgentAway") is False, long, "AgentAway has cleared")
    origin.close()
    assert edge.get().status == 502
    until(lambda: prometheus.fires("LocalServerDown"), long, "LocalServerDown fires")
