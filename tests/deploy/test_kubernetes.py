"""Manifests for Kubernetes: they fit each other, the port of a worker, and the time of a stop."""

import inspect
import re

import pytest

from pyasynq.cli.commands import COMMANDS
from pyasynq.cli.worker import command as worker_command
from pyasynq.web.worker_port import WorkerPort
from pyasynq.wire.keys import queue_keys
from pyasynq.worker.config import ServerConfig
from tests.support.deployed import DEPLOY, documents, faults

FOLDER = DEPLOY / "kubernetes"
FILES = sorted(FOLDER.glob("*.yaml"))
MANIFESTS = [
    manifest
    for file in FILES
    for manifest in documents(file)
    if {"apiVersion", "kind"} <= set(manifest)
]


def of_kind(kind: str) -> dict[str, dict]:
    return {each["metadata"]["name"]: each for each in MANIFESTS if each["kind"] == kind}


DEPLOYMENTS, SERVICES = of_kind("Deployment"), of_kind("Service")


def pod_of(name: str) -> dict:
    return DEPLOYMENTS[name]["spec"]["template"]


def container_of(name: str) -> dict:
    (container,) = pod_of(name)["spec"]["containers"]
    return container


def ports_of(name: str) -> dict[str, int]:
    return {each["name"]: each["containerPort"] for each in container_of(name)["ports"]}


def probes_of(name: str) -> list[dict]:
    return [value for key, value in container_of(name).items() if key.endswith("Probe")]


def test_every_file_is_offered_by_the_kustomization():
    text = (FOLDER / "kustomization.yaml").read_text()
    (kustomization,) = documents(FOLDER / "kustomization.yaml")

    assert [each.name for each in FILES if each.name not in text] == ["kustomization.yaml"]
    assert all((FOLDER / each).exists() for each in kustomization["resources"])
    assert {each["name"] for each in kustomization["images"]} == {
        container_of(name)["image"] for name in DEPLOYMENTS
    }


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_what_selects_pods_selects_those_of_its_deployment(name):
    labels = pod_of(name)["metadata"]["labels"]
    selectors = [
        DEPLOYMENTS[name]["spec"]["selector"]["matchLabels"],
        SERVICES[name]["spec"]["selector"],
        of_kind("ServiceMonitor")[name]["spec"]["selector"]["matchLabels"],
    ]

    assert all(each.items() <= labels.items() for each in selectors)
    assert selectors[2].items() <= SERVICES[name]["metadata"]["labels"].items()


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_ports_are_the_same_wherever_they_are_named(name):
    ports, (service,) = ports_of(name), SERVICES[name]["spec"]["ports"]
    (endpoint,) = of_kind("ServiceMonitor")[name]["spec"]["endpoints"]
    (port,) = ports.values()
    jobs = documents(DEPLOY / "prometheus" / "scrape.yaml")[0]["scrape_configs"]
    (targets,) = (each["static_configs"] for each in jobs if each["job_name"] == name)

    assert service["targetPort"] in ports
    assert service["port"] == port
    assert (endpoint["port"], endpoint["path"]) == (service["name"], "/metrics")
    assert any(argument.lstrip(":") == str(port) for argument in container_of(name)["args"])
    assert [each.rpartition(":")[2] for each in targets[0]["targets"]] == [str(port)]


def test_probes_ask_for_what_the_port_of_a_worker_answers():
    served = set(re.findall(r'"(/\w+)": self', inspect.getsource(WorkerPort)))
    asked = {probe["httpGet"]["path"] for probe in probes_of("pyasynq-worker")}

    assert asked == {"/healthz", "/readyz"}
    assert asked <= served
    assert {probe["httpGet"]["port"] for probe in probes_of("pyasynq-worker")} == {"http"}
    assert all(probe["timeoutSeconds"] >= 2 for probe in probes_of("pyasynq-worker"))


def test_no_probe_of_the_exporter_reads_redis():
    asked = {probe["httpGet"]["path"] for probe in probes_of("pyasynq-metrics")}

    assert asked == {"/healthz"}


def test_a_worker_is_restarted_only_for_what_no_waiting_heals():
    container = container_of("pyasynq-worker")
    liveness = container["livenessProbe"]

    assert liveness["httpGet"]["path"] == "/healthz"
    assert container["startupProbe"]["httpGet"]["path"] == "/healthz"
    blocked_s = liveness["periodSeconds"] * liveness["failureThreshold"]
    assert blocked_s >= ServerConfig().lease_duration


def test_a_worker_has_time_for_the_longest_stop():
    config = ServerConfig()
    longest_s = config.shutdown_timeout + config.cancel_grace + 5  # then processes are killed

    assert pod_of("pyasynq-worker")["spec"]["terminationGracePeriodSeconds"] >= longest_s + 2


def test_the_arguments_of_a_worker_are_options_of_the_command():
    program, noun, *arguments = container_of("pyasynq-worker")["args"]
    names = {name for option in worker_command.params for name in option.opts}

    assert (program, noun) == ("pyasynq", "worker")
    assert noun in COMMANDS
    assert {each for each in arguments if each.startswith("-")} <= names


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_container_may_do_little_and_knows_redis_by_a_secret(name):
    container, pod = container_of(name), pod_of(name)["spec"]
    (url,) = (each for each in container["env"] if each["name"] == "PYASYNQ_REDIS_URL")

    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert url["valueFrom"] == {"secretKeyRef": {"name": "pyasynq-redis", "key": "url"}}
    assert {"requests", "limits"} <= set(container["resources"])


def scalers() -> list[dict]:
    return [
        each for each in MANIFESTS if each["kind"] in ("HorizontalPodAutoscaler", "ScaledObject")
    ]


def test_what_scales_scales_the_workers_and_never_to_none():
    for scaler in scalers():
        spec = scaler["spec"]

        assert spec["scaleTargetRef"]["name"] in DEPLOYMENTS
        assert spec.get("minReplicas", spec.get("minReplicaCount")) >= 1


def test_what_scales_asks_for_metrics_that_exist():
    (adapter,) = documents(FOLDER / "prometheus-adapter-values.yaml")
    offered = {rule["seriesQuery"].partition("{")[0] for rule in adapter["rules"]["external"]}
    asked = [
        each["external"]["metric"]
        for each in of_kind("HorizontalPodAutoscaler")["pyasynq-worker"]["spec"]["metrics"]
    ]
    triggers = [each for scaler in scalers() for each in scaler["spec"].get("triggers", [])]
    queries = [each["metadata"]["query"] for each in triggers if each["type"] == "prometheus"]
    lists = [each["metadata"]["listName"] for each in triggers if each["type"] == "redis"]

    assert {each["name"] for each in asked} == offered
    for each in asked:
        labels = ", ".join(f'{k}="{v}"' for k, v in each["selector"]["matchLabels"].items())
        assert faults(f"{each['name']}{{{labels}}}") == []
    assert [faults(query) for query in queries] == [[], []]
    assert lists == [queue_keys("default").pending]
