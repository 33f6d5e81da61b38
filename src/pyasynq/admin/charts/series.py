"""What a chart shows, and in which colours."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyasynq.task import TaskState

# After Okabe and Ito: they can be told apart with any kind of colour blindness.
COLOURS = {
    TaskState.ACTIVE.value: "#0072b2",
    TaskState.PENDING.value: "#56b4e9",
    TaskState.AGGREGATING.value: "#cc79a7",
    TaskState.SCHEDULED.value: "#9a9a9a",
    TaskState.RETRY.value: "#e69f00",
    TaskState.ARCHIVED.value: "#d55e00",
    TaskState.COMPLETED.value: "#009e73",
    "succeeded": "#009e73",
    "failed": "#d55e00",
}
OTHERS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#7a6f00", "#6b6b6b")


@dataclass(frozen=True, slots=True)
class Series:
    """One row of values.

    Attributes:
        name: as the legend has it.
        values: one for each label of the chart, at least 0; None where nothing is known.
        kind: a state of tasks, "succeeded" or "failed", whose colour it has; empty for others,
            which take the colours in turn.
    """

    name: str
    values: Sequence[float | None]
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """Rows of values over the same labels.

    Attributes:
        title: what is shown, as a reader hears it who does not see the chart.
        labels: below the values, such as names of queues or times.
        series: in the order in which they are drawn, from the bottom.
        unit: of the values, such as "ms"; empty for numbers of tasks.
        links: where a label leads; empty, or one for each label.
        unknown: how a value is told that is not known, in the language of the reader.
    """

    title: str
    labels: Sequence[str]
    series: Sequence[Series]
    unit: str = ""
    links: Sequence[str] = ()
    unknown: str = "unknown"

    def __post_init__(self) -> None:
        uneven = [each.name for each in self.series if len(each.values) != len(self.labels)]
        if uneven:
            raise ValueError(f"not one value for each of {len(self.labels)} labels: {uneven}")
        if self.links and len(self.links) != len(self.labels):
            raise ValueError(f"{len(self.links)} links for {len(self.labels)} labels")

    def colour(self, number: int) -> str:
        """Return the colour of the series of this number."""
        return COLOURS.get(self.series[number].kind) or OTHERS[number % len(OTHERS)]
