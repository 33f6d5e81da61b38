"""Charts as SVG: what they show, to whom, and that names in them are only text."""

from xml.etree import ElementTree as ET

import pytest

from pyasynq.admin.charts.bars import stacked_bars
from pyasynq.admin.charts.lines import line_chart, sparkline
from pyasynq.admin.charts.series import COLOURS, Chart, Series

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = ["<script>alert(1)</script>", "\"' onload='x", "]]>&amp;", "\x00\x1b[2J", "a" * 500]


def parsed(drawn):
    """Return the parts of a chart; what is no XML fails here."""
    return ET.fromstring(drawn)


def heights(tree):
    return [float(each.get("height")) for each in tree.iter(f"{SVG}rect") if mark(each)]


def mark(element):
    return element.get("class") == "chart-mark"


def two_queues(**fields):
    states = [Series("pending", [30, 10], "pending"), Series("retry", [10, 0], "retry")]
    return Chart("Tasks in each queue", ["default", "low"], states, **fields)


def test_bars_are_as_high_as_their_values_and_stand_on_each_other():
    marks = [each for each in parsed(stacked_bars(two_queues())).iter(f"{SVG}rect") if mark(each)]

    # 150 pixels are 40 tasks, and half a pixel parts those on each other.
    assert [float(each.get("height")) for each in marks] == [112.0, 37.0, 37.0]
    low, high = marks[0], marks[1]
    assert float(high.get("y")) + float(high.get("height")) < float(low.get("y"))
    assert low.get("x") == high.get("x") != marks[2].get("x")


def test_what_is_very_small_beside_the_others_is_seen_and_nothing_is_not():
    chart = Chart("Tasks", ["a", "b"], [Series("pending", [1_000_000, 1]), Series("retry", [0, 0])])

    assert heights(parsed(stacked_bars(chart))) == [149.5, 1.5]


def test_each_state_has_a_colour_of_its_own():
    states = {
        kind: colour for kind, colour in COLOURS.items() if kind not in ("succeeded", "failed")
    }
    assert len(set(states.values())) == 7
    drawn = stacked_bars(two_queues())
    assert COLOURS["pending"] in drawn
    assert COLOURS["retry"] in drawn


def test_bars_lead_to_where_their_labels_do():
    drawn = parsed(stacked_bars(two_queues(links=["/queues/default?a=1&b=2", "/queues/low"])))

    assert [each.get("href") for each in drawn.iter(f"{SVG}a")] == [
        "/queues/default?a=1&b=2",
        "/queues/low",
    ]


def test_all_values_are_in_a_table_for_those_who_do_not_see_the_chart():
    chart = Chart("Latency", ["12:00", "12:01"], [Series("default", [1234.5, None])], unit="ms")
    rows = [
        ["".join(cell.itertext()) for cell in row] for row in parsed(line_chart(chart)).iter("tr")
    ]

    assert rows == [["", "default"], ["12:00", "1,234 ms"], ["12:01", "unknown"]]
    assert parsed(line_chart(chart)).find(f"{SVG}svg/{SVG}title").text == "Latency"


def test_a_mark_tells_its_value_when_the_pointer_is_on_it():
    hints = [each.text for each in parsed(stacked_bars(two_queues())).iter(f"{SVG}title")]

    assert hints == [
        "Tasks in each queue",
        "default: pending 30",
        "default: retry 10",
        "low: pending 10",
    ]


def test_a_line_has_a_gap_where_nothing_is_known():
    chart = Chart("Size", list("abcdef"), [Series("q", [1, 2, None, 3, None, 4])])
    lines = [each.get("points") for each in parsed(line_chart(chart)).iter(f"{SVG}polyline")]

    assert len(lines) == 3
    assert all(len(line.split()) == 2 for line in lines)  # one point is a line to itself


@pytest.mark.parametrize("count", [0, 1, 2, 7, 60, 1000])
def test_labels_do_not_touch_however_many_there_are(count):
    chart = Chart("Size", [f"queue-{n}" for n in range(count)], [Series("q", [1.0] * count)])
    labels = [
        each
        for each in parsed(stacked_bars(chart)).iter(f"{SVG}text")
        if each.get("text-anchor") == "middle"
    ]
    middles = [float(each.get("x")) for each in labels]
    widths = [6.2 * len(each.text) for each in labels]

    assert len(labels) >= min(count, 7)
    for at in range(len(labels) - 1):
        assert middles[at + 1] - middles[at] >= (widths[at] + widths[at + 1]) / 2


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("draw", [stacked_bars, line_chart])
def test_names_of_others_are_only_text(draw, name):
    chart = Chart(name, [name], [Series(name, [3])], unit=name, links=[name])
    tree = parsed(f"<p>{draw(chart)}</p>")

    assert not [each for each in tree.iter() if each.tag.endswith("script")]
    assert not [key for each in tree.iter() for key in each.attrib if key.startswith("on")]


def test_nothing_needs_a_style_sheet_that_a_strict_policy_refuses():
    drawn = stacked_bars(two_queues()) + line_chart(two_queues()) + sparkline([1, 2], title="x")

    assert "style=" not in drawn
    assert "<style" not in drawn


def test_a_small_line_tells_what_it_shows():
    tree = parsed(sparkline([1, 2, None, 4], title='5 tasks/s, "now"'))

    assert tree.get("aria-label") == '5 tasks/s, "now"'
    assert len(list(tree)) == 2


def test_a_chart_without_a_value_for_each_label_is_refused():
    with pytest.raises(ValueError, match=r"not one value for each of 2 labels: \['a'\]"):
        Chart("Size", ["x", "y"], [Series("a", [1]), Series("b", [1, 2])])
    with pytest.raises(ValueError, match="1 links for 2 labels"):
        Chart("Size", ["x", "y"], [], links=["/"])


def test_what_is_not_known_is_told_in_the_language_of_the_reader():
    chart = Chart("延迟", ["12:00"], [Series("a", [None])], unknown="未知 <")

    drawn = parsed(line_chart(chart))

    assert [each.text for each in drawn.iter("td")] == ["未知 <"]


def test_long_names_in_a_legend_do_not_touch_even_if_their_letters_are_wide():
    names = ["待执行的任务队列" * 2] * 3 + ["a" * 60] * 3
    drawn = parsed(line_chart(Chart("t", ["x"], [Series(name, [1]) for name in names])))
    keys = [each for each in drawn.iter(f"{SVG}rect") if each.get("class") == "chart-key"]
    places = [(float(each.get("y")), float(each.get("x"))) for each in keys]
    needed = [16 * 11.0, 16 * 11.0, 16 * 11.0, 28 * 6.0, 28 * 6.0]

    for (y, x), (next_y, next_x), width in zip(places, places[1:], needed, strict=False):
        assert next_y > y or next_x >= x + 13 + width
