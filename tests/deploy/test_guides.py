"""The guides about monitoring and Kubernetes name metrics, files and commands that exist."""

import re
import subprocess

import pytest
import yaml

from tests.support.deployed import DASHBOARD, DEPLOY, GUIDES, METRICS, ROOT, RULES, documents

PAGES = ["monitoring", "alerts", "kubernetes", "containers", "systemd"]


@pytest.mark.parametrize("page", PAGES)
def test_a_guide_names_metrics_that_exist(page):
    text = (GUIDES / f"{page}.md").read_text()
    named = set(re.findall(r"\b(?:py)?asynq_\w+", text))

    assert named <= {metric.name for metric in METRICS}


def test_every_file_is_named_by_a_guide():
    text = "".join((GUIDES / f"{page}.md").read_text() for page in PAGES)
    files = [each for each in DEPLOY.glob("*/*") if each.is_file()]

    assert [path.name for path in files if path.name not in text] == ["kustomization.yaml"]


def test_the_guide_names_the_rows_of_the_dashboard_in_their_order():
    text = (GUIDES / "monitoring.md").read_text()
    rows = [each["title"] for each in DASHBOARD["panels"] if each["type"] == "row"]

    assert re.findall(rf"^\| ({'|'.join(rows)}) \|", text, re.MULTILINE) == rows


def test_grafana_is_told_where_prometheus_and_the_dashboard_are():
    folder = DEPLOY / "grafana" / "provisioning"
    (sources,) = documents(folder / "datasources" / "prometheus.yaml")
    (dashboards,) = documents(folder / "dashboards" / "pyasynq.yaml")
    guide = (GUIDES / "monitoring.md").read_text()

    assert [each["url"] for each in sources["datasources"]] == ["http://127.0.0.1:9090"]
    assert [each["options"]["path"] for each in dashboards["providers"]] == ["$PYASYNQ_DASHBOARDS"]
    assert "PYASYNQ_DASHBOARDS=$PWD GF_PATHS_PROVISIONING=$PWD/provisioning" in guide


def test_the_rules_become_a_manifest_as_the_guide_says():
    guide = (GUIDES / "kubernetes.md").read_text()
    (command,) = re.findall(r"^ {4}(\{ printf .*?\}) \| kubectl", guide, re.MULTILINE | re.DOTALL)

    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True
    )

    manifest = yaml.safe_load(done.stdout)
    assert manifest["kind"] == "PrometheusRule"
    assert [rule for group in manifest["spec"]["groups"] for rule in group["rules"]] == RULES


def test_the_overlay_of_the_guide_changes_the_app_of_the_worker():
    guide = (GUIDES / "kubernetes.md").read_text()
    (text,) = re.findall(r"```yaml\n(resources:.*?)```", guide, re.DOTALL)
    (patch,) = yaml.safe_load(text)["patches"]
    (step,) = yaml.safe_load(patch["patch"])
    worker = documents(DEPLOY / "kubernetes" / "worker.yaml")[0]
    (container,) = worker["spec"]["template"]["spec"]["containers"]

    assert patch["target"] == {"kind": "Deployment", "name": worker["metadata"]["name"]}
    assert step["path"] == "/spec/template/spec/containers/0/args/2"
    assert container["args"][2] == "app:app"
