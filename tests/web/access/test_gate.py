"""Functions of an application tell who somebody is, and what they may do."""

import logging

import pytest

from pyasynq.web import user_of


async def known(request):
    return request.headers.get("x-key")


def known_at_once(request):
    return request.headers.get("x-key")


@pytest.mark.parametrize("auth", [known, known_at_once])
async def test_a_function_tells_who_it_is(make_web, auth):
    web = make_web(auth=auth, access={"ann": "operate"})

    answers = [
        await web.ask("GET", "/api/queues", headers=headers)
        for headers in ({}, {"x-key": "ann"}, {"x-key": "bob"})
    ]

    assert [each.status_code for each in answers] == [401, 200, 403]


@pytest.mark.parametrize("role", ["none", "read", None, "boss", 3])
async def test_a_function_tells_the_role_and_anything_odd_is_no_role(make_web, role):
    seen = []

    async def access(request):
        seen.append(user_of(request))
        return role

    web = make_web(auth=known, access=access)

    answer = await web.ask("GET", "/api/queues", headers={"x-key": "ann"})

    assert answer.status_code == (200 if role == "read" else 403)
    assert seen == ["ann"]


async def test_a_function_that_fails_lets_nobody_in_and_shows_nothing(make_web, caplog):
    def broken(_request):
        raise RuntimeError("hunter2")

    web = make_web(auth=broken)

    answer = await web.ask("GET", "/api/queues")

    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert "a request failed: RuntimeError" in caplog.text


async def test_an_open_web_warns_once_when_another_machine_comes(make_web, caplog):
    caplog.set_level(logging.WARNING, "pyasynq.web")
    web, local = make_web(address="192.0.2.1"), make_web()
    closed = [
        make_web(address="192.0.2.1", access="operate"),
        make_web(address="192.0.2.1", read_only=True),
        make_web(address="192.0.2.1", auth=known, access="admin"),
    ]

    for each in (web, web, local, *closed):
        await each.ask("GET", "/api/queues", headers={"x-key": "ann"})

    (line,) = caplog.records
    assert line.getMessage().startswith("everybody who reaches the web UI may change everything")
