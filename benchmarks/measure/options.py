"""The options that every benchmark script has."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from benchmarks.measure.peers import PEERS

QUICK = 0.1  # share of the tasks


class Named(Protocol):
    """Something with a name to choose it by."""

    @property
    def name(self) -> str:
        """As shown in tables."""


N = TypeVar("N", bound=Named)


@dataclass(frozen=True)
class Options:
    """What was asked for.

    Attributes:
        rounds: how often each side is measured.
        is_quick: whether fewer tasks are enough.
        only: parts of names of cases; all cases if empty.
        record: where the figures go; to the folder of their mode if None.
        peers: names of the other Python queues that are measured, too.
    """

    rounds: int
    is_quick: bool
    only: tuple[str, ...]
    record: Path | None
    peers: tuple[str, ...]

    def chosen(self, cases: Sequence[N]) -> list[N]:
        """Return the cases that were asked for."""
        if not self.only:
            return list(cases)
        return [case for case in cases if any(part in case.name for part in self.only)]

    def tasks(self, usual: int) -> int:
        """Return how many tasks to take instead of *usual*; at least one."""
        return max(1, int(usual * QUICK)) if self.is_quick else usual


def read_options(description: str | None, *, rounds: int = 3, with_peers: bool = False) -> Options:
    """Read the command line.

    Args:
        rounds: how often each side is measured by default.
        with_peers: whether other Python queues can be measured.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=rounds, help="rounds for each side")
    parser.add_argument("--quick", action="store_true", help="one round with fewer tasks")
    parser.add_argument(
        "--only", action="append", default=[], metavar="TEXT", help="cases with this in their name"
    )
    parser.add_argument("--record", type=Path, metavar="FILE", help="write the figures there")
    parser.set_defaults(peers=())
    if with_peers:
        parser.add_argument(
            "--peers",
            type=_peers,
            metavar="NAMES",
            help=f"other Python queues, too; with commas: all, or {', '.join(PEERS)}",
        )
    given = parser.parse_args()
    return Options(
        rounds=1 if given.quick else given.rounds,
        is_quick=given.quick,
        only=tuple(given.only),
        record=given.record,
        peers=given.peers,
    )


def _peers(text: str) -> tuple[str, ...]:
    """Read the names of peers."""
    if text == "all":
        return tuple(PEERS)
    names = tuple(text.split(","))
    for name in names:
        if name not in PEERS:
            raise argparse.ArgumentTypeError(f"{name!r} is none of all, {', '.join(PEERS)}")
    return names
