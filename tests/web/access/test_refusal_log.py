"""Whoever tries passwords or rights is seen in the log, which they cannot flood."""

import base64

import pytest

from pyasynq.web.access.passwords import hash_password
from pyasynq.web.access.refusal_log import MOST_ADDRESSES, RefusalLog


class Seconds:
    def __init__(self):
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds():
    return Seconds()


def add(log, address="192.0.2.1"):
    log.add(name="ann", address=address, asked="POST /queues/mail/pause", reason="no")


def test_an_address_has_a_line_a_minute_that_counts_the_others(seconds, caplog):
    log = RefusalLog(seconds)

    for _ in range(40):
        add(log)
    add(log, "192.0.2.2")
    seconds.now += 60
    add(log)

    assert [record.message for record in caplog.records] == [
        "ann from 192.0.2.1 was refused POST /queues/mail/pause: no",
        "ann from 192.0.2.2 was refused POST /queues/mail/pause: no",
        "ann from 192.0.2.1 was refused POST /queues/mail/pause: no (and 39 more from there)",
    ]


def test_it_remembers_only_so_many_addresses(seconds):
    log = RefusalLog(seconds)

    for number in range(MOST_ADDRESSES + 500):
        add(log, str(number))

    assert len(vars(log)["_told"]) == MOST_ADDRESSES


async def test_a_wrong_password_and_a_missing_right_are_told(make_web, now_s, caplog):
    known = hash_password("right")
    login = base64.b64encode(b"ann:hunter2").decode()
    await make_web(auth=("ann", known)).ask("GET", "/", headers={"Authorization": f"Basic {login}"})
    await make_web(access="read").ask("POST", "/api/queues/mail:pause")
    await make_web(auth=("ann", known)).ask("GET", "/")  # a browser that has not asked yet

    told = [each.message for each in caplog.records if each.name == "pyasynq.web"]
    assert [each.partition(": ")[0] for each in told] == [
        "somebody from 127.0.0.1 was refused GET /",
        "somebody from 127.0.0.1 was refused POST /api/queues/mail:pause",
    ]
    assert "hunter2" not in "".join(told)
