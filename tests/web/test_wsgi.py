"""The web UI for servers of WSGI."""

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from werkzeug.test import Client, create_environ

from pyasynq.errors import ConfigError
from pyasynq.web import ProxyHeader, as_wsgi, create_app
from tests.support.forks import in_fork
from tests.support.stored_tasks import store


@pytest.fixture
def wsgi(redis_url):
    with closing(as_wsgi(create_app(redis_url))) as wsgi:
        yield wsgi


def queues(wsgi):
    return Client(wsgi).get("/api/queues", buffered=True).json


def test_threads_of_a_server_share_one_loop(wsgi):
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _number: queues(wsgi), range(32)))

    assert answers == [{"queues": []}] * 32
    assert len(wsgi._loops) == 1


def test_a_process_that_a_server_forks_has_a_loop_of_its_own(wsgi):
    """Its parent may have been asked before."""
    before = queues(wsgi)

    def ask():
        assert queues(wsgi) == {"queues": []}

    assert in_fork(ask)
    assert queues(wsgi) == before == {"queues": []}


def test_it_may_be_closed_and_asked_again(wsgi, redis_client):
    before = queues(wsgi)
    wsgi.close()
    wsgi.close()

    assert queues(wsgi) == before


def test_a_head_is_answered_to_its_end_although_nobody_reads_it(wsgi):
    answers = []

    wsgi(create_environ("/api/queues", method="HEAD"), lambda *start: answers.append(start[0]))

    assert answers == ["200 OK"]


def test_a_path_that_is_not_utf_8_is_refused(wsgi):
    answer = Client(wsgi).get(environ_overrides={"PATH_INFO": "/\xff"}, buffered=True)

    assert (answer.status_code, answer.text) == (400, "the path is not UTF-8\n")


def test_without_a2wsgi_the_error_says_how_to_install_it(monkeypatch, redis_url):
    monkeypatch.setitem(sys.modules, "a2wsgi", None)

    with pytest.raises(ConfigError, match="run pip install a2wsgi"):
        as_wsgi(create_app(redis_url))


@pytest.mark.parametrize(
    ("environment", "status"),
    [
        ({"REMOTE_ADDR": "10.0.0.7"}, 200),  # as Django's own server tells it: without a port
        ({"REMOTE_ADDR": "10.0.0.7", "REMOTE_PORT": "1"}, 200),
        ({"REMOTE_ADDR": "10.0.0.8"}, 401),
    ],
)
def test_a_server_of_wsgi_tells_where_a_request_comes_from(redis_url, environment, status):
    app = create_app(redis_url, auth=ProxyHeader("X-User", trusted=["10.0.0.7", "unix"]))

    with closing(as_wsgi(app)) as wsgi:
        answer = Client(wsgi).get(
            "/api/queues",
            headers={"X-User": "ann"},
            environ_overrides=environment,
            buffered=True,
        )

    assert answer.status_code == status


def test_without_the_path_as_it_was_sent_plain_names_are_found(redis_url, redis_client):
    """As under Django's own server, which keeps the decoded path only."""
    store(redis_client, "pending", "50%", queue="mail")
    forgotten = {"RAW_URI": "", "REQUEST_URI": ""}

    with closing(as_wsgi(create_app(redis_url))) as wsgi:
        answer = Client(wsgi).get(
            "/api/queues/mail/tasks/50%25", environ_overrides=forgotten, buffered=True
        )

    assert answer.json["id"] == "50%"
