"""Rules of Prometheus: they name what exists, say what to do, and are tested by promtool."""

import re
import shutil
import subprocess

import pytest

from pyasynq.worker.config import ServerConfig
from tests.support.deployed import (
    ALERTS,
    DEPLOY,
    GUIDES,
    RULES,
    documents,
    faults,
    labels_of,
    series,
)
from tests.support.promql import read

PROMETHEUS = DEPLOY / "prometheus"
CASES = documents(PROMETHEUS / "tests.yaml")[0]["tests"]
NAMES = [alert["alert"] for alert in ALERTS]
RUNBOOK = "docs/guides/alerts.md"
DURATION = re.compile(r"\d+[smh]")
PROMTOOL = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is absent")


def name_of(rule) -> str:
    return rule.get("alert") or rule["record"]


def expression_of(name: str) -> str:
    (text,) = (rule["expr"] for rule in RULES if name_of(rule) == name)
    return " ".join(text.split())


def test_rules_name_metrics_and_labels_that_exist():
    wrong = {name_of(rule): found for rule in RULES if (found := faults(rule["expr"]))}

    assert wrong == {}


def test_names_are_given_once():
    names = [name_of(rule) for rule in RULES]

    assert sorted(set(names)) == sorted(names)


def test_alerts_say_how_bad_it_is_for_how_long_and_where_the_remedy_is():
    for alert in ALERTS:
        assert alert["labels"]["severity"] in ("critical", "warning", "info")
        assert DURATION.fullmatch(alert.get("for", "0s"))
        assert set(alert["annotations"]) == {"summary", "description", "runbook"}
        assert alert["annotations"]["runbook"] == f"{RUNBOOK}#{alert['alert'].lower()}"


def test_the_text_of_an_alert_has_labels_that_the_alert_has():
    wrong = {
        alert["alert"]: absent
        for alert in ALERTS
        if (
            absent := set(re.findall(r"\$labels\.(\w+)", str(alert["annotations"])))
            - labels_of(read(alert["expr"]), series())
        )
    }

    assert wrong == {}


def test_every_section_of_the_runbook_is_of_an_alert_and_says_what_to_do():
    guide = (GUIDES / "alerts.md").read_text()
    sections = re.findall(r"^### (Pyasynq\w+)\n(.*?)(?=^##|\Z)", guide, re.MULTILINE | re.DOTALL)

    assert sorted(name for name, _text in sections) == sorted(NAMES)
    for name, text in sections:
        assert "**Causes**" in text, name
        assert "**What to do**" in text, name


def test_every_alert_has_a_case_for_promtool():
    fired = {
        name
        for case in CASES
        for test in case.get("promql_expr_test", [])
        for sample in test["exp_samples"]
        for name in re.findall(r'alertname="(\w+)"', sample["labels"])
    }

    assert fired == set(NAMES)


def test_limits_follow_from_the_settings_of_a_server():
    config = ServerConfig()
    limit_s = float(re.findall(r"> (\d+)", expression_of("PyasynqHeartbeatsFailing"))[0])
    archived = int(expression_of("PyasynqArchiveNearlyFull").split(" >= ")[1])

    assert config.heartbeat_interval * 3 <= limit_s < config.lease_duration
    assert config.archive_max_size * 0.9 <= archived <= config.archive_max_size


@pytest.mark.long
@PROMTOOL
def test_alerts_fire_when_they_should_and_only_then():
    for command in (("check", "config", "scrape.yaml"), ("test", "rules", "tests.yaml")):
        done = subprocess.run(
            ["promtool", *command], cwd=PROMETHEUS, capture_output=True, text=True, check=False
        )

        assert done.returncode == 0, done.stdout + done.stderr
