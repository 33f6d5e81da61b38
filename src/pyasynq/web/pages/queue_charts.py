"""The charts of the page of all queues."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date

from markupsafe import Markup

from pyasynq.admin.charts.series import Chart, Series
from pyasynq.admin.overview import STATES
from pyasynq.inspector import DailyStats, QueueInfo
from pyasynq.web.pages.drawings import bars, lines
from pyasynq.web.pages.view import View

MOST_BARS = 12

Counts = Sequence[tuple[str, Sequence[int]]]


def size_chart(infos: Sequence[QueueInfo], seen: View) -> Markup:
    """Draw how many tasks of each state each queue has; the largest queues only."""
    counts = [(each.queue, [getattr(each, state.value) for state in STATES]) for each in infos]
    names = [(seen.texts(f"states.{state.value}"), state.value) for state in STATES]
    return _bars(seen.texts("queues.size_chart_of"), counts, names, seen)


def processed_chart(
    infos: Sequence[QueueInfo],
    histories: Mapping[str, Sequence[DailyStats]],
    days: int,
    seen: View,
) -> Markup:
    """Draw what was processed: today in each queue, or on each of the last days in all of them."""
    title = seen.texts("queues.processed_chart_of", count=days)
    succeeded, failed = seen.texts("queues.succeeded"), seen.texts("queues.failed")
    if days == 1:
        counts = [(each.queue, [each.processed - each.failed, each.failed]) for each in infos]
        names = [(succeeded, "succeeded"), (failed, "failed")]
        return _bars(title, counts, names, seen)
    done: Counter[date] = Counter()
    lost: Counter[date] = Counter()
    for each in (day for history in histories.values() for day in history):
        done[each.date] += each.processed - each.failed
        lost[each.date] += each.failed
    dates = sorted(done)
    rows = [
        Series(succeeded, [done[each] for each in dates], "succeeded"),
        Series(failed, [lost[each] for each in dates], "failed"),
    ]
    return lines(Chart(title, [f"{each:%m-%d}" for each in dates], rows))


def _bars(title: str, counts: Counts, names: Sequence[tuple[str, str]], seen: View) -> Markup:
    largest = sorted(counts, key=lambda each: -sum(each[1]))
    shown, others = largest[:MOST_BARS], largest[MOST_BARS:]
    labels, links = (
        [name for name, _ in shown],
        [seen.links.to("queues", name) for name, _ in shown],
    )
    rows = [list(values) for _, values in shown]
    if others:
        labels.append(seen.texts("queues.others"))
        links.append("")
        rows.append([sum(values) for values in zip(*(each for _, each in others), strict=True)])
    series = [
        Series(name, [row[at] for row in rows], kind) for at, (name, kind) in enumerate(names)
    ]
    return bars(Chart(title, labels, series, links=links))
