"""The guide to payloads: its code is code that runs here."""

import enum
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
import pytest

from pyasynq import App, ConfigError, Field, PayloadError, Task, TaskContext
from pyasynq.testing import task_context

app = App()


@app.task
def resize(image_id: int, sizes: list[int], *, quality: float = 0.8) -> None: ...


class Plan(enum.Enum):
    FREE = "free"
    PAID = "paid"


@dataclass
class Address:
    street: str
    zip_code: str | None = None


@app.task
def sign_up(plan: Plan, since: datetime, trial: timedelta, home: Address, key: bytes) -> None: ...


@dataclass
class Order:
    id: int
    lines: list[str]


@app.task("order:ship")
def ship(order: Order) -> None: ...  # the object of the order is the whole payload


@app.task("image:store")
def store(data: bytes) -> None: ...  # these bytes are the whole payload


class Card(msgspec.Struct, tag="card"):
    number: str


class Transfer(msgspec.Struct, tag="transfer"):
    iban: str


@app.task
def pay(amount: int, by: Card | Transfer) -> None: ...


@app.task
def thumbnail(
    image_id: Annotated[int, Field("ImageID")],
    width: Annotated[int, msgspec.Meta(gt=0, le=4096)] = 640,
) -> None: ...


@app.task("mail:send", aliases=("send_mail",))  # was called send_mail
def send(
    ctx: TaskContext,
    user_id: Annotated[int, Field("user")],  # was called user
    template: str = "plain",  # is new
) -> str:
    return f"{user_id} {template}"


def test_arguments_are_an_object_by_parameter():
    resize.bind(7, [100, 200])  # {"image_id":7,"sizes":[100,200],"quality":0.8}

    assert resize.bind(7, [100, 200]).payload == (b'{"image_id":7,"sizes":[100,200],"quality":0.8}')


def test_types_are_written_as_the_page_says():
    task = sign_up.bind(
        Plan.PAID,
        datetime(2030, 5, 1, 9, tzinfo=UTC),
        timedelta(seconds=90),
        Address("Long Road 1"),
        b"\xff\x00",
    )

    assert task.payload == (
        b'{"plan":"paid","since":"2030-05-01T09:00:00Z","trial":90000000000,'
        b'"home":{"street":"Long Road 1","zip_code":null},"key":"/wA="}'
    )
    assert list(sign_up.arguments(task).values()) == [
        Plan.PAID,
        datetime(2030, 5, 1, 9, tzinfo=UTC),
        timedelta(seconds=90),
        Address("Long Road 1"),
        b"\xff\x00",
    ]


def test_a_sole_model_or_sole_bytes_are_the_whole_payload():
    assert ship.bind(Order(7, ["tea"])).payload == b'{"id":7,"lines":["tea"]}'
    assert store.bind(b"\x89PNG").payload == b"\x89PNG"


def test_a_tag_tells_which_model_of_a_union_it_is():
    assert pay.bind(5, Card("4000")).payload == (
        b'{"amount":5,"by":{"type":"card","number":"4000"}}'
    )
    task = pay.bind(5, Transfer("DE12"))
    assert pay.arguments(task)["by"] == Transfer("DE12")


def test_a_union_of_two_models_without_tags_is_refused():
    with pytest.raises(ConfigError, match="may not contain more than one"):

        @app.task("pay_by_hand")
        def pay_by_hand(by: Order | Address) -> None: ...


def test_a_limit_is_checked_at_the_call():
    with pytest.raises(PayloadError, match=r"\$\.width: expected int <= 4096"):
        thumbnail.bind(7, 5000)

    assert thumbnail.bind(7).payload == b'{"ImageID":7,"width":640}'


def test_tasks_of_the_last_release_still_run():
    old = Task("send_mail", b'{"user":42,"theme":"dark"}')

    assert send.arguments(old) == {"user_id": 42, "template": "plain"}
    assert send.handles("send_mail")
    assert send(task_context(), **send.arguments(old)) == "42 plain"


def test_what_go_writes_is_read():
    assert resize.arguments(Task("resize", b'{"image_id":7.0,"sizes":null}')) == {
        "image_id": 7,
        "sizes": [],
        "quality": 0.8,
    }


def test_a_datetime_without_a_zone_is_written_without_one():
    task = sign_up.bind(Plan.FREE, datetime(2030, 5, 1), timedelta(0), Address("Long Road 1"), b"")

    assert b'"since":"2030-05-01T00:00:00"' in task.payload
