"""A finding: one thing that is wrong, or as it should be, and what to do about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, or as it should be: with a task, with Redis, or with its data.

    Attributes:
        code: what it is; it stays the same in later versions.
        severity: "error": tasks do not run, or are lost, unless somebody does something;
            "warning": they run later than they should, or may fail; "info": as it should be.
        sentence: what was found, for people.
        evidence: what that follows from, by name: text, numbers, bools, times, durations, None,
            lists and mappings of these.
        advice: what to do about it; empty if nothing needs to be done.
    """

    code: str
    severity: Severity
    sentence: str
    evidence: Mapping[str, Any]
    advice: str = ""


def most_decisive_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return *findings* by severity; those of one severity stay in their order."""
    return tuple(sorted(findings, key=lambda each: SEVERITIES.index(each.severity)))
