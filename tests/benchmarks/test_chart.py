"""The chart shows rates as multiples of Go Asynq's."""

import json
from xml.etree import ElementTree as ET

from benchmarks.chart import draw

SVG = "{http://www.w3.org/2000/svg}"


def side(name, rate):
    return {"name": name, "median": {"tasks_per_s": rate} if rate else {}, "rounds": []}


def write_record(folder, **cases):
    record = {"question": "drain", "results": cases}
    (folder / "drain.json").write_text(json.dumps(record), "utf-8")


def test_bars_are_as_long_as_the_multiples_of_the_rate_of_go(tmp_path):
    write_record(tmp_path, ten=[side("pyasynq", 300.0), side("go asynq", 100.0), side("rq", 50.0)])

    (drawn,) = draw(tmp_path, tmp_path)

    root = ET.fromstring(drawn.read_text("utf-8"))
    bars = [float(bar.get("width")) for bar in root.iter(f"{SVG}rect") if bar.get("x")]
    assert [round(bar / bars[1], 1) for bar in bars] == [3.0, 1.0, 0.5]
    assert [text.text for text in root.iter(f"{SVG}text")][1:] == [
        *("ten", "pyasynq", "3", "go asynq", "1", "rq", "0.5")
    ]


def test_cases_without_a_rate_of_go_are_left_out(tmp_path):
    write_record(
        tmp_path,
        without=[side("pyasynq", 300.0), side("huey", 90.0)],
        alone=[side("go asynq", 100.0)],
        failed=[side("pyasynq", 300.0), side("go asynq", None)],
    )

    assert draw(tmp_path, tmp_path) == []
