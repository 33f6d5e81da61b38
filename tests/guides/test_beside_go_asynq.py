"""The guide to working beside Go Asynq: its code is code that runs here."""

import json
from datetime import timedelta

from pyasynq import App, Task

app = App(queues={"images": 1})
resized = []


@app.task("image:resize", queue="images", max_retry=5)
def resize(image_id: int, sizes: list[int], within: timedelta) -> None: ...


@app.task("image:seen", queue="images")
def see(image_id: int, sizes: list[int], within: timedelta) -> None:
    resized.append((image_id, sizes, within))


def test_what_go_marshals_is_what_the_function_gets():
    from_go = b'{"image_id":7,"sizes":[100,200],"within":60000000000}'

    assert resize.arguments(Task("image:resize", from_go)) == {
        "image_id": 7,
        "sizes": [100, 200],
        "within": timedelta(minutes=1),
    }
    assert resize.bind(7, [100, 200], timedelta(minutes=1)).payload == from_go


def test_a_nil_slice_of_go_is_an_empty_list():
    with app.testing() as harness:
        see.enqueue(7, [], timedelta(0))
        harness.run_pending(raises=True)
    payload = json.dumps({"image_id": 7, "sizes": None, "within": 0}).encode()

    assert resized == [(7, [], timedelta(0))]
    assert see.arguments(Task("image:seen", payload))["sizes"] == []
