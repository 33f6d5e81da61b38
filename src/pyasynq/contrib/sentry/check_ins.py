"""Check-ins of periodic tasks, for Sentry's monitors.

A tick writes three headers into its task: the monitor, its schedule, and the ID of the check-in,
which is the same for all attempts. The worker tells Sentry when the first attempt begins, and what
the task has come to when it does not run again. A monitor misses what never begins.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from sentry_sdk.crons import capture_checkin

from pyasynq.tracing import Ended, TaskFacts, TickFacts

SLUG = "sentry-monitor-slug"
CONFIG = "sentry-monitor-config"
CHECK_IN = "sentry-monitor-check-in-id"

LONGEST_SLUG = 50  # characters; as Sentry's own form has it
SHORT_ID = 8
NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
UNITS = {"day": 86_400, "hour": 3_600, "minute": 60}
_EVERY = re.compile(r"(\d+)([dhms])")
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
FIELDS = 5  # of a crontab; a sixth one are seconds, which Sentry does not know

Config = dict[str, Any]


def headers_of(tick: TickFacts) -> Mapping[str, str]:
    """Return what the task of a tick carries; nothing for a schedule that Sentry cannot express."""
    config = config_of(tick.spec, tick.timezone)
    if config is None:
        return {}
    slug = slug_of(tick.key or tick.type, tick.entry_id)
    return {SLUG: slug, CONFIG: json.dumps(config), CHECK_IN: uuid4().hex}


def config_of(spec: str, timezone: str) -> Config | None:
    """Return a monitor's schedule; None if Sentry cannot express it, as for seconds."""
    text = spec.strip()
    if text.startswith(("TZ=", "CRON_TZ=")):
        text = text.partition(" ")[2].strip()
    if text.startswith("@every "):
        return _interval(text.removeprefix("@every "))
    text = NICKNAMES.get(text, text)
    if len(text.split()) != FIELDS:
        return None
    return {"schedule": {"type": "crontab", "value": text}, "timezone": timezone}


def slug_of(name: str, entry_id: str) -> str:
    """Return the name of a monitor: lower-case letters, digits, ``-`` and ``_``.

    A name with other letters ends with the beginning of the ID of the periodic task; so does one of
    digits alone, which Sentry refuses.
    """
    slug = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")[:LONGEST_SLUG]
    if name.isascii() and slug and not slug.isdigit():
        return slug
    own = entry_id[:SHORT_ID]
    return f"{(slug or 'task')[: LONGEST_SLUG - SHORT_ID - 1]}-{own}"


def begin(task: TaskFacts) -> None:
    """Tell that a periodic task has begun, at its first attempt."""
    if task.attempt == 1:
        _check_in(task.headers, "in_progress")


def end(task: TaskFacts, ended: Ended) -> None:
    """Tell what a periodic task has come to, unless it runs again."""
    if ended.outcome in ("done", "completed", "dropped"):
        _check_in(task.headers, "ok")
    elif ended.outcome == "archived":
        _check_in(task.headers, "error")


def _check_in(headers: Mapping[str, str], status: str) -> None:
    slug, check_in_id = headers.get(SLUG), headers.get(CHECK_IN)
    if slug and check_in_id:
        config = json.loads(headers.get(CONFIG, "null"))
        capture_checkin(
            monitor_slug=slug, check_in_id=check_in_id, status=status, monitor_config=config
        )


def _interval(text: str) -> Config | None:
    """Return the schedule of ``1h30m`` and the like; None if it is not of whole minutes."""
    seconds = sum(int(count) * _SECONDS[unit] for count, unit in _EVERY.findall(text))
    if _EVERY.sub("", text) or not seconds:
        return None
    for unit, size in UNITS.items():
        if seconds % size == 0:
            return {"schedule": {"type": "interval", "value": seconds // size, "unit": unit}}
    return None
