"""The chart for Helm: values are checked, templates name what exists; with helm, what it makes."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

from pyasynq.version import __version__
from pyasynq.worker.config import ServerConfig, variable_of
from tests.deploy.test_container import check_command
from tests.support.deployed import DEPLOY, GUIDES, documents, faults

CHART = DEPLOY / "helm" / "pyasynq"
VALUES = documents(CHART / "values.yaml")[0]
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
CASES = sorted((CHART / "ci").glob("*.yaml"))
TEMPLATES = {path.name: path.read_text() for path in sorted((CHART / "templates").iterdir())}
GO_BIN = Path.home() / "go" / "bin" / "helm"
HELM = shutil.which("helm") or (str(GO_BIN) if GO_BIN.exists() else None)
NEEDS_HELM = pytest.mark.skipif(HELM is None, reason="helm is absent")
DEFINED = {name for text in TEMPLATES.values() for name in re.findall(r'define "([\w.]+)"', text)}


def wrong_values(values: dict) -> list[str]:
    """Return what the schema refuses."""
    found = jsonschema.Draft7Validator(SCHEMA).iter_errors(values)
    return [f"{'.'.join(map(str, each.path))}: {each.message}" for each in found]


def keys(values: dict, schema: dict, path: str = "") -> list[str]:
    """Return which keys of the schema have no default in the values, and the other way round."""
    schema = SCHEMA["definitions"]["worker"] if "$ref" in schema else schema
    if "properties" not in schema:
        return []
    different = [f"{path}{name}" for name in {*values} ^ {*schema["properties"]} - {"global"}]
    for name, inner in schema["properties"].items():
        if isinstance(values.get(name), dict):
            different += keys(values[name], inner, f"{path}{name}.")
    return different


def exists(path: str, values: object) -> bool:
    for part in path.split("."):
        if not isinstance(values, dict) or part not in values:
            return False
        values = values[part]
    return True


def test_a_schema_is_one_and_its_keys_are_those_of_the_values():
    jsonschema.Draft7Validator.check_schema(SCHEMA)

    assert keys(VALUES, SCHEMA) == []


@pytest.mark.parametrize("path", [CHART / "values.yaml", *CASES], ids=lambda path: path.name)
def test_values_fit_the_schema(path):
    assert wrong_values(documents(path)[0]) == []


@pytest.mark.parametrize(
    "values",
    [
        {"imge": {}},
        {"workers": {}},
        {"workers": {"default": {"slots": 3}}},
        {"workers": {"default": {"queues": "critical=0"}}},
        {"workers": {"Default": {}}},
        {"workerDefaults": {"autoscaling": {"minReplicas": 0}}},
        {"app": "app.py"},
        {"web": {"ingress": {"enabled": "yes"}}},
    ],
)
def test_values_that_are_misspelt_or_do_harm_are_refused(values):
    assert len(wrong_values(values)) == 1


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_names_values_that_exist(name):
    text = TEMPLATES[name]
    named = re.findall(r"\.Values\.([\w.]+)", text)
    of_workers = re.findall(r"\$worker\.([\w.]+)", text)
    of_scaling = [f"autoscaling.{each}" for each in re.findall(r"\$scaling\.(\w+)", text)]

    assert [each for each in named if not exists(each, VALUES)] == []
    wrong = [e for e in of_workers + of_scaling if not exists(e, VALUES["workerDefaults"])]
    assert wrong == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_includes_what_is_defined_and_closes_what_it_opens(name):
    text = re.sub(r"{{-?/\*.*?\*/-?}}", "", TEMPLATES[name], flags=re.DOTALL)
    opened = re.findall(r"{{-?\s*(?:if|range|with|define)\b", text)
    closed = re.findall(r"{{-?\s*end\s*-?}}", text)

    assert set(re.findall(r'include "([\w.]+)"', text)) <= DEFINED
    assert len(opened) == len(closed)


def test_every_value_is_used():
    text = "".join(TEMPLATES.values())
    leaves = [*VALUES, *VALUES["workerDefaults"], *VALUES["workerDefaults"]["autoscaling"]]
    leaves += [
        each for name in ("redis", "image", "web", "serviceMonitor") for each in VALUES[name]
    ]

    assert [each for each in leaves if not re.search(rf"\.{each}\b", text)] == []


def test_the_chart_has_the_version_of_pyasynq_and_the_defaults_of_a_server():
    (chart,) = documents(CHART / "Chart.yaml")
    config = ServerConfig()

    assert chart["appVersion"] == __version__
    assert VALUES["shutdownTimeout"] == config.shutdown_timeout
    assert VALUES["cancelGrace"] == config.cancel_grace
    for name in ("shutdown_timeout", "cancel_grace"):
        assert f"name: {variable_of(name)}, value" in TEMPLATES["workers.yaml"]
    assert not VALUES["web"]["enabled"]
    assert not VALUES["web"]["ingress"]["enabled"]


def test_the_guide_describes_the_chart():
    text = (GUIDES / "kubernetes.md").read_text()
    (block,) = re.findall(r"```yaml\n(# values.yaml\n.*?)```", text, re.DOTALL)

    assert "helm install shop deploy/helm/pyasynq" in text
    assert wrong_values(yaml.safe_load(block)) == []


def rendered(case: Path) -> list[dict]:
    command = [
        HELM,
        "template",
        "shop",
        CHART,
        "-n",
        "prod",
        "-f",
        case,
        "--kube-version",
        "1.31.0",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def of_kind(manifests: list[dict], kind: str) -> list[dict]:
    return [each for each in manifests if each["kind"] == kind]


@pytest.mark.long
@NEEDS_HELM
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_helm_finds_nothing(case):
    command = [HELM, "lint", "--strict", CHART, "-f", case]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


@pytest.mark.long
@NEEDS_HELM
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_what_the_chart_makes_is_what_the_manifests_promise(case):
    manifests = rendered(case)
    services = of_kind(manifests, "Service")

    for deployment in of_kind(manifests, "Deployment"):
        pod = deployment["spec"]["template"]
        (container,) = pod["spec"]["containers"]
        check_command(container["args"])
        assert (
            deployment["spec"]["selector"]["matchLabels"].items()
            <= pod["metadata"]["labels"].items()
        )
        assert pod["spec"]["securityContext"]["runAsNonRoot"]
        assert pod["spec"]["securityContext"]["runAsUser"] == 10001
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        (url,) = (each for each in container["env"] if each["name"] == "PYASYNQ_REDIS_URL")
        assert "secretKeyRef" in url["valueFrom"]
        ports = {each["name"] for each in container.get("ports", [])}
        probes = [value for key, value in container.items() if key.endswith("Probe")]
        assert {each["httpGet"]["port"] for each in probes} == ports
    for service in services:
        selected = [
            deployment
            for deployment in of_kind(manifests, "Deployment")
            if service["spec"]["selector"].items()
            <= deployment["spec"]["template"]["metadata"]["labels"].items()
        ]
        assert selected
    for budget in of_kind(manifests, "PodDisruptionBudget"):
        assert budget["spec"]["maxUnavailable"] == 1


@pytest.mark.long
@NEEDS_HELM
def test_nobody_may_change_anything_in_a_web_ui_that_is_for_reading():
    containers = [
        each["spec"]["template"]["spec"]["containers"][0]["args"]
        for each in of_kind(rendered(CHART / "ci" / "full-values.yaml"), "Deployment")
    ]
    shown = [words for words in containers if "--ui" in words or words[1] == "web"]

    assert len(shown) == 2
    assert [words for words in shown if "--read-only" not in words] == []


@pytest.mark.long
@NEEDS_HELM
def test_workers_of_the_chart_are_those_of_the_manifests():
    (ours,) = documents(DEPLOY / "kubernetes" / "worker.yaml")[:1]
    theirs = next(
        each
        for each in of_kind(rendered(CHART / "ci" / "default-values.yaml"), "Deployment")
        if each["metadata"]["name"].endswith("worker-default")
    )
    (plain,), (made,) = (each["spec"]["template"]["spec"]["containers"] for each in (ours, theirs))

    for name in ("startupProbe", "livenessProbe", "readinessProbe", "ports", "volumeMounts"):
        assert made[name] == plain[name]
    assert made["resources"] == plain["resources"]
    assert made["args"] == plain["args"][: len(made["args"])]
    grace = [e["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] for e in (ours, theirs)]
    assert grace == [20, 20]


@pytest.mark.long
@NEEDS_HELM
@pytest.mark.parametrize("case", ["full", "keda"])
def test_what_scales_asks_for_metrics_that_exist(case):
    manifests = rendered(CHART / "ci" / f"{case}-values.yaml")
    queries = [
        trigger["metadata"]["query"]
        for each in of_kind(manifests, "ScaledObject")
        for trigger in each["spec"]["triggers"]
    ]
    queries += [
        f"{metric['external']['metric']['name']}{{"
        + ", ".join(
            f'{label}="{value}"'
            for label, value in metric["external"]["metric"]["selector"]["matchLabels"].items()
        )
        + "}"
        for each in of_kind(manifests, "HorizontalPodAutoscaler")
        for metric in each["spec"]["metrics"]
    ]

    assert len(queries) == 2
    assert [faults(query) for query in queries] == [[], []]


@pytest.mark.long
@NEEDS_HELM
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "image.repository is required"),
        (
            ["web.enabled=true", "image.repository=x"],
            "needs web.usersSecret, or web.insecureNoAuth",
        ),
        (["image.repository=x", "workers.default.slots=3"], "slots"),
    ],
)
def test_a_value_that_is_missing_or_wrong_is_told(given, told):
    command = [HELM, "template", "shop", CHART, "--kube-version", "1.31.0"]

    done = subprocess.run(
        [*command, *(f"--set={each}" for each in given)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert told in done.stderr
