"""The chart shows rates as multiples of Go Asynq's."""

import json
from xml.etree import ElementTree as ET

from benchmarks.chart import CHARTS, drawn
from benchmarks.measure.record import RECORDS

SVG = "{http://www.w3.org/2000/svg}"
MACHINE = {"cores": 2, "processor": "some"}


def side(name, rate, **more):
    return {"name": name, "median": more | ({"tasks_per_s": rate} if rate else {}), "rounds": []}


def write_record(folder, **cases):
    record = {"question": "drain", "mode": "full", "measured_at": "2026-01-02", "machine": MACHINE}
    (folder / "drain.json").write_text(json.dumps(record | {"results": cases}), "utf-8")


def test_bars_are_as_long_as_the_multiples_of_the_rate_of_go(tmp_path):
    write_record(tmp_path, ten=[side("pyasynq", 300.0), side("go asynq", 100.0), side("rq", 50.0)])

    root = ET.fromstring(drawn(tmp_path)["drain.svg"])

    bars = [float(bar.get("width")) for bar in root.iter(f"{SVG}rect") if bar.get("x")]
    assert [round(bar / bars[1], 1) for bar in bars] == [3.0, 1.0, 0.5]
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert texts[1].endswith("full run of 2026-01-02, 2 cores, some")
    assert texts[-7:] == [
        "ten",
        *("pyasynq", "3 ×  ·  300/s"),
        *("go asynq", "1 ×  ·  100/s"),
        *("rq", "0.5 ×  ·  50/s"),
    ]


def test_cases_without_a_rate_of_go_or_with_an_ideal_are_left_out(tmp_path):
    write_record(
        tmp_path,
        without=[side("pyasynq", 300.0), side("huey", 90.0)],
        alone=[side("go asynq", 100.0)],
        failed=[side("pyasynq", 300.0), side("go asynq", None)],
        waiting=[side("pyasynq", 300.0, of_ideal=0.9), side("go asynq", 100.0, of_ideal=0.3)],
    )

    assert drawn(tmp_path) == {}


def test_the_charts_of_the_docs_are_those_of_the_records():
    kept = {path.name: path.read_text("utf-8") for path in CHARTS.glob("*.svg")}

    assert set(kept) == {"drain.svg", "enqueue.svg"}
    assert kept == drawn(RECORDS), "run `make bench-chart`"
