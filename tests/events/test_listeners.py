"""Which functions listen for which events."""

import pytest

from pyasynq.app import App
from pyasynq.errors import ConfigError
from pyasynq.events.event import EVENT_NAMES
from pyasynq.events.listeners import Listeners


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        (("finished",), "'finished' is not an event"),
        ((), "name the events to listen for"),
        (("archived", "started", "archived"), "event 'archived' is named twice"),
        ((3,), "3 is not an event; events are 'started', 'succeeded'"),
        (
            (lambda event: None,),
            "the function '<lambda>' is not an event; write `@app.on(\"failed\")` above it",
        ),
        (
            (["failed", "lost"],),
            "['failed', 'lost'] is not an event; write `@app.on('failed', 'lost')`",
        ),
        (([["failed"]],), "[['failed']] is not an event; events are"),
        (("failure",), "'failure' is not an event; did you mean 'failed'?"),
        (("task_success",), "'task_success' is not an event; did you mean 'succeeded'?"),
        (("on_retry",), "'on_retry' is not an event; did you mean 'retried'?"),
        (("Archived",), "'Archived' is not an event; did you mean 'archived'?"),
    ],
)
def test_a_wrong_name_is_refused(names, fault):
    with pytest.raises(ConfigError) as caught:
        App().on(*names)

    assert fault in str(caught.value)


def test_a_wrong_name_is_reported_with_the_right_ones_and_with_every_other_fault():
    with pytest.raises(ConfigError) as caught:
        App().on("finished", "broken")

    assert len(caught.value.faults) == 2
    assert all(f"'{name}'" in fault for fault in caught.value.faults for name in EVENT_NAMES)


def test_what_cannot_be_called_is_refused_as_a_listener():
    with pytest.raises(ConfigError, match="a listener must be a function, not 3"):
        App().on("archived")(3)


def test_a_function_may_listen_more_than_once_and_is_left_as_it_is():
    app = App()

    def listen(event):
        raise NotImplementedError

    assert app.on("archived")(app.on("started", "lost")(listen)) is listen
    assert [(each.function, each.names, each.is_async) for each in app.mux.listeners] == [
        (listen, {"started", "lost"}, False),
        (listen, {"archived"}, False),
    ]


def test_an_object_with_an_async_call_is_async():
    class Teller:
        async def __call__(self, event):
            raise NotImplementedError

    listeners = Listeners()
    listeners.register(("archived",))(Teller())

    (listener,) = listeners
    assert listener.is_async
    assert listener.label == "tests.events.test_listeners." + Teller.__qualname__
