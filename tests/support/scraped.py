"""What a scrape says, read by parsers of prometheus_client, and by promtool where it is found."""

import shutil
import subprocess
from collections.abc import Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from pyasynq.metrics.exposition import exposition

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
OF_TASTE = 3  # what promtool returns for names that it does not like, such as Go's
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def samples_of(text: str) -> Samples:
    """Return the samples of an exposition by name and labels; no sample is there twice."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value
    return found


def shapes_of(text: str) -> dict[str, tuple[str, str, frozenset[str]]]:
    """Return the type, the help and the labels of each metric of an exposition."""
    return {
        family.name: (
            family.type,
            family.documentation,
            frozenset(name for sample in family.samples for name in sample.labels),
        )
        for family in text_string_to_metric_families(text)
    }


def scraped(*collectors: Collector) -> Samples:
    """Return what a registry of *collectors* shows, in both formats, as tools accept it."""
    registry = CollectorRegistry()
    for each in collectors:
        registry.register(each)
    text = exposition(registry).body.decode()
    open_text = exposition(registry, accept=OPENMETRICS).body.decode()
    assert len(list(openmetrics.text_string_to_metric_families(open_text))) > 0
    check_with_promtool(text)
    return samples_of(text)


def check_with_promtool(text: str) -> None:
    """Let promtool read an exposition; nothing happens where there is none."""
    promtool = shutil.which("promtool")
    if promtool is not None:
        command = [promtool, "check", "metrics"]
        done = subprocess.run(command, input=text.encode(), check=False, capture_output=True)
        assert done.returncode in (0, OF_TASTE), done.stderr


def of(samples: Samples, name: str, **labels: str) -> float | None:
    """Return one sample; None if it is not there."""
    return samples.get((name, tuple(sorted(labels.items()))))


def labels_of(samples: Samples, name: str, label: str) -> list[str]:
    """Return the values of a label of a metric."""
    pairs: Iterable[tuple[str, str]] = (
        pair for found, labels in samples if found == name for pair in labels
    )
    return [value for key, value in pairs if key == label]
