"""A metric, as data: what it is called, what it means, and how processes are put together."""

from typing import Literal

import msgspec

Kind = Literal["counter", "gauge", "histogram"]
Together = Literal["sum", "largest", "smallest"]

SECONDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0),
)
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One metric.

    Attributes:
        name: as Prometheus knows it; that of a counter ends in ``_total``.
        help: one sentence, with the unit.
        labels: their names, in the order in which readings have their values.
        together: what several processes make of it. A counter and a histogram are always summed.
        bounds: of a histogram, the largest value of each bucket but the last one, which has none.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    together: Together = "sum"
    bounds: tuple[float, ...] = ()
