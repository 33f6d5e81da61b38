"""The real SDK of Sentry with a transport that keeps what would be sent."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sentry_sdk
from sentry_sdk.integrations import _installed_integrations, _processed_integrations
from sentry_sdk.scope import Scope, global_event_processors
from sentry_sdk.transport import Transport

from pyasynq import tracing
from pyasynq.contrib.sentry import PyasynqIntegration

DSN = "http://key@127.0.0.1/1"


class Kept(Transport):
    """Keeps what would be sent.

    Attributes:
        items: of all envelopes, as JSON, in order; `flushes`: how often `flush` was called.
    """

    def __init__(self) -> None:
        super().__init__()
        self.items: list[dict[str, Any]] = []
        self.flushes = 0

    def capture_envelope(self, envelope: Any) -> None:
        self.items += [each.payload.json for each in envelope.items if each.payload.json]

    def flush(self, timeout: float, callback: Any = None) -> None:
        self.flushes += 1

    def of_type(self, kind: str | None) -> list[dict[str, Any]]:
        return [each for each in self.items if each.get("type") == kind]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The errors and messages."""
        return self.of_type(None)

    @property
    def transactions(self) -> list[dict[str, Any]]:
        return self.of_type("transaction")

    @property
    def check_ins(self) -> list[tuple[str, str]]:
        """The monitor and the status of each check-in."""
        return [(each["monitor_slug"], each["status"]) for each in self.items if "status" in each]

    def messages(self) -> list[str]:
        """What each event is about: the text of its exception, or its message."""
        return [_message(each) for each in self.events]


class Written(Transport):
    """Appends what would be sent to the file that the environment names, for other processes."""

    def capture_envelope(self, envelope: Any) -> None:
        with Path(os.environ["SENTRY_KEPT"]).open("a") as file:
            file.writelines(json.dumps(each.payload.json) + "\n" for each in envelope.items)


@contextmanager
def reporting(integrations: list[Any], **options: Any) -> Iterator[Kept]:
    """Initialise the SDK, and leave nothing of it behind."""
    kept = Kept()
    quiet = {"default_integrations": False, "enable_backpressure_handling": False}
    processors = list(global_event_processors)
    options = {**quiet, "transport": kept, **options}
    sentry_sdk.init(DSN, integrations=integrations, **options)
    try:
        yield kept
    finally:
        sentry_sdk.get_client().close(timeout=0)
        for scope in (Scope.get_global_scope(), Scope.get_isolation_scope()):
            scope.clear()
            scope.set_new_propagation_context()
        Scope.get_global_scope().set_client(None)
        global_event_processors[:] = processors
        tracing._companions.clear()
        for known in (_installed_integrations, _processed_integrations):
            known.discard(PyasynqIntegration.identifier)


def _message(event: dict[str, Any]) -> str:
    values = event.get("exception", {}).get("values")
    return values[-1]["value"] if values else event["message"]
