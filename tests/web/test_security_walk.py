"""The whole table of routes, for every role: whoever may not do something does not."""

from collections import Counter

import pytest

from pyasynq.web.access.roles import ROLE_NAMES, role_of
from pyasynq.web.formatting import Formatters
from pyasynq.web.security import HEADERS, PAGE_HEADERS
from pyasynq.web.table import endpoints
from tests.support.redis_dump import dump
from tests.support.web import SAME_ORIGIN, path_of

ROUTES = endpoints(Formatters())
ACTS = [each for each in ROUTES if each.action]
PAUSE = next(each for each in ROUTES if each.path.endswith(":pause"))
OPEN = {"/healthz", "/readyz", "/static/{version}/{file}"}
OWN = {"/settings"}  # changes nothing but cookies


def test_what_changes_something_is_no_get_and_says_so():
    assert {each.path for each in ROUTES if each.action and each.method == "GET"} == set()
    unsafe = {each.path for each in ROUTES if each.method != "GET" and each.action is None}
    assert unsafe == OWN
    assert {each.path for each in ROUTES if each.is_open} == OPEN


def headers_of(endpoint):
    is_page = not endpoint.path.startswith(("/api/", "/metrics", *OPEN))
    headers = HEADERS | PAGE_HEADERS if is_page else HEADERS
    kept = {key.lower(): value for key, value in headers.items()}
    if endpoint.path.startswith("/static/"):
        del kept["cache-control"]
    return kept


@pytest.mark.parametrize("role", ROLE_NAMES)
async def test_a_role_may_do_what_it_may_and_nothing_else(make_web, now_s, redis_client, role):
    web = make_web(access=role)
    refused, before = Counter(), dump(redis_client)

    for each in ROUTES:
        if each.needs <= role_of(role) and not each.is_open:
            continue
        answer = await web.ask(each.method, path_of(each.path, task_id="retry-1"), content=b"{}")
        wanted = 200 if each.is_open else 403
        assert answer.status_code == wanted, each.path
        assert answer.headers.items() >= headers_of(each).items()
        refused[each.method] += wanted == 403

    print(f"{role}: refused {dict(refused)} of {len(ROUTES)} routes")
    assert dump(redis_client) == before
    assert sum(refused.values()) == sum(each.needs > role_of(role) for each in ROUTES)


@pytest.mark.parametrize("role", ROLE_NAMES)
async def test_read_only_refuses_every_act_of_every_role(make_web, now_s, redis_client, role):
    web = make_web(access=role, read_only=True)
    before = dump(redis_client)

    answers = [
        await web.ask(each.method, path_of(each.path, task_id="retry-1"), content=b"{}")
        for each in ACTS
    ]

    assert {each.status_code for each in answers} == {403 if role == "none" else 405}
    assert dump(redis_client) == before


async def test_without_a_login_every_route_asks_for_one(make_web, now_s, redis_client):
    web = make_web(auth=lambda _request: None)
    before = dump(redis_client)

    answers = {
        each.path: (await web.ask(each.method, path_of(each.path), content=b"{}")).status_code
        for each in ROUTES
    }

    assert {path for path, status in answers.items() if status != 401} == OPEN
    assert dump(redis_client) == before


@pytest.mark.parametrize(
    ("headers", "is_allowed"),
    [
        (SAME_ORIGIN, True),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8080"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Origin": "http://127.0.0.1:8080"}, True),
        ({"Origin": "http://127.0.0.1:8081"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://127.0.0.1:8080.evil.example"}, False),
        ({"Origin": "https://tasks.example", "Host": "tasks.example"}, True),
        ({"Origin": "https://tasks.example:443", "Host": "tasks.example"}, True),
        ({"Origin": "http://[::1", "Host": "tasks.example"}, False),
        ({"Origin": "http://a:99999", "Host": "a:99999"}, False),
        ({"Origin": "file://", "Host": ""}, False),
        ({}, False),
    ],
)
async def test_another_web_page_changes_nothing(web, now_s, redis_client, headers, is_allowed):
    before = dump(redis_client)
    answers = [
        await web.ask(each.method, path_of(each.path), headers=headers)
        for each in ([PAUSE] if is_allowed else ACTS[::6])
    ]

    is_refused = {each.status_code == 403 for each in answers}
    assert is_refused == {not is_allowed}
    assert is_allowed or dump(redis_client) == before


async def test_no_answer_invites_other_sites(web, now_s):
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}

    answers = [
        await web.ask(method, path, headers=asked)
        for method, path in (
            ("OPTIONS", "/api/queues/mail:pause"),
            ("GET", "/api/queues"),
            ("GET", "/nowhere"),
            ("POST", "/api/queues/mail:pause"),
        )
    ]

    assert [each.status_code for each in answers] == [405, 200, 404, 403]
    for each in answers:
        assert not [name for name in each.headers if name.startswith("access-control")]
        assert each.headers["content-security-policy"].startswith("default-src 'none'")
        assert each.headers["x-content-type-options"] == "nosniff"
        assert each.headers["referrer-policy"] in ("no-referrer", "same-origin")


@pytest.mark.parametrize(
    ("host", "status"),
    [("tasks.example", 200), ("tasks.example:8080", 200), ("TASKS.example", 200), ("[::1]:1", 200)]
    + [(each, 403) for each in ("evil.example", "", "tasks.example.evil", "[", "a:b:c")],
)
async def test_a_host_that_is_not_allowed_is_refused(make_web, host, status):
    web = make_web(allowed_hosts=["tasks.example", "::1"])

    answer = await web.ask("GET", "/api/queues", headers={"Host": host})

    assert answer.status_code == status


async def test_every_act_is_a_line_of_the_audit_log(make_web, now_s, caplog):
    caplog.set_level("INFO", "pyasynq.admin")
    web = make_web(auth=lambda request: request.headers["x-user"], address="192.0.2.1")
    headers = {**SAME_ORIGIN, "x-user": "ann\n"}

    for method, path, body in (
        ("POST", "/api/queues/mail:pause", None),
        ("POST", "/api/queues/mail:pause", None),
        ("DELETE", "/api/queues/mail/retry_tasks/retry-1", None),
        ("POST", "/api/queues/mail/retry_tasks:batch_run", {"task_ids": ["retry-2", "x"]}),
        ("DELETE", "/api/queues/mail/retry_tasks:delete_all", None),
        ("GET", "/api/queues", None),
    ):
        await web.ask(method, path, headers=headers, json=body)

    who = r"by ann\n from 192.0.2.1"
    assert [each.getMessage() for each in caplog.records if each.name == "pyasynq.admin"] == [
        f"pause {who}: done, queue 'mail'",
        f"pause {who}: stopped by QueueAlreadyPausedError, queue 'mail'",
        f"delete {who}: done, task 'retry-1' of queue 'mail'",
        f"run {who}: done, 2 named tasks of queue 'mail', 1 done, 1 failed",
        f"delete {who}: done, all retry tasks of queue 'mail', 1 done, 0 failed",
    ]
