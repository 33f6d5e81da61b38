"""What a worker could not call is refused when it is registered, not when it is enqueued."""

import functools

import pytest

from pyasynq.app import App
from pyasynq.errors import ConfigError
from pyasynq.task import Task

OUTSIDE = "write the task as a function outside of the class"


class Mailer:
    def send(self, user: int) -> None: ...

    async def send_later(self, user: int) -> None: ...

    def of_class(cls, user: int) -> None: ...  # noqa: N805 - the point

    @classmethod
    def send_all(cls, user: int) -> None: ...

    @staticmethod
    def send_one(user: int) -> None: ...

    def __call__(self, user: int) -> None: ...


def send(user: int) -> None: ...


@functools.wraps(Mailer.send)
def wrapped(*args, **kwargs): ...


@pytest.mark.parametrize(
    ("function", "fault"),
    [
        (Mailer.send, f"'Mailer.send' takes 'self', which no worker can pass; {OUTSIDE}"),
        (wrapped, f"'Mailer.send' takes 'self', which no worker can pass; {OUTSIDE}"),
        (
            Mailer.send_later,
            f"'Mailer.send_later' takes 'self', which no worker can pass; {OUTSIDE}",
        ),
        (Mailer.of_class, f"'Mailer.of_class' takes 'cls', which no worker can pass; {OUTSIDE}"),
        (vars(Mailer)["send_all"], f"'Mailer.send_all' is a classmethod; {OUTSIDE}"),
        (
            vars(Mailer)["send_one"],
            "'Mailer.send_one' is a staticmethod; write `@staticmethod` above `@app.task`",
        ),
        (
            functools.partial(send, 1),
            "a task must be a function, not a partial of 'send'",
        ),
        (lambda user: None, "a lambda has no name and no annotations; write a function with def"),
    ],
)
@pytest.mark.parametrize("arguments", [(), ("mail:send",)])
def test_what_no_worker_could_call_is_refused(function, fault, arguments):
    app = App("redis://nowhere.invalid")

    with pytest.raises(ConfigError) as caught:
        app.task(*arguments)(function) if arguments else app.task(function)

    assert str(caught.value) == fault
    assert len(app.tasks) == 0


def test_a_class_may_hold_tasks_and_bound_methods_may_be_tasks():
    app = App("redis://nowhere.invalid")

    class Holder:
        @staticmethod
        @app.task
        def clean(days: int) -> None: ...

    remind = app.task("remind")(Mailer().send)
    every = app.task(Mailer.send_all)

    assert Holder.clean.bind(3) == Holder().clean.bind(3) == Task("clean", b'{"days":3}')
    assert remind.bind(5) == Task("remind", b'{"user":5}')
    assert every.bind(5) == Task("send_all", b'{"user":5}')


def test_a_first_parameter_called_self_is_data_if_it_is_annotated():
    app = App("redis://nowhere.invalid")

    @app.task
    def rename(self: str, cls: int) -> None: ...

    assert rename.bind("a", 1).payload == b'{"self":"a","cls":1}'
