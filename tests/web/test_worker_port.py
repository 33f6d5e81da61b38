"""The HTTP port of a worker: its probes, and the web UI beside them."""

import pytest

from pyasynq.connection.options import ConnectionOptions
from pyasynq.web import create_app
from pyasynq.web.refusal import Refusal
from pyasynq.web.worker_port import LateUi, WorkerPort
from tests.support.stored_tasks import store
from tests.support.web import Web, lifespan


class Told:
    """The health of a worker that does not exist."""

    def __init__(self, *, alive=True, why=""):
        self.alive, self.why = alive, why

    async def is_alive(self):
        return self.alive

    async def why_not_ready(self):
        return self.why


async def asked(port, path, method="GET"):
    answer = await Web(port).ask(method, path)
    return answer.status_code, answer.text.strip()


async def test_a_worker_that_is_well_is_alive_and_ready():
    port = WorkerPort(Told(), None)

    assert await asked(port, "/healthz") == (200, '{"status":"ok"}')
    assert await asked(port, "/readyz") == (200, '{"status":"ok"}')
    assert await asked(port, "/readyz", "HEAD") == (200, "")


async def test_a_worker_that_takes_no_tasks_is_alive_but_not_ready_and_says_why():
    port = WorkerPort(Told(why="it shuts down"), None)

    assert await asked(port, "/readyz") == (503, "the worker is not ready: it shuts down")
    assert (await asked(port, "/healthz"))[0] == 200


async def test_a_worker_whose_loop_is_blocked_is_not_alive():
    answer = await asked(WorkerPort(Told(alive=False), None), "/healthz")

    assert answer == (503, "the worker does not answer: its event loop does not turn")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/api/queues", 404),
        ("GET", "/healthz/", 404),
        ("POST", "/healthz", 405),
        ("DELETE", "/readyz", 405),
    ],
)
async def test_without_the_web_ui_there_is_nothing_but_probes(method, path, status):
    assert (await asked(WorkerPort(Told(), None), path, method))[0] == status


async def test_probes_are_those_of_the_worker_also_where_the_web_ui_has_its_own(redis_url):
    app = create_app(redis_url, root_path="/tasks")
    port = WorkerPort(Told(why="it shuts down"), app, root_path="/tasks/")

    probes = [(await asked(port, path))[0] for path in ("/readyz", "/tasks/readyz")]
    queues = [(await asked(port, path))[1] for path in ("/api/queues", "/tasks/api/queues")]
    await app.aclose()

    assert probes == [503, 503]
    assert queues == ['{"queues":[]}'] * 2


async def test_every_answer_has_the_headers_that_keep_other_pages_away():
    answer = await Web(WorkerPort(Told(), None)).ask("GET", "/nowhere")

    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["cache-control"] == "no-store"


@pytest.fixture
async def late(redis_url):
    """A web UI whose Redis the test tells, or a Refusal."""
    made, told = [], []

    def find():
        if isinstance(told[-1], Exception):
            raise told[-1]
        return told[-1]

    def make(source):
        made.append(create_app(source))
        return made[-1]

    yield told, made, WorkerPort(Told(), LateUi(find, make))
    for each in made:
        await each.aclose()


async def test_the_web_ui_waits_until_a_worker_has_told_where_redis_is(late, redis_url):
    told, _made, port = late
    told.append(Refusal(503, "the worker has not started yet"))
    before = await asked(port, "/api/queues")
    told.append(ConnectionOptions.from_url(redis_url))

    assert before == (503, "the worker has not started yet")
    assert await asked(port, "/api/queues") == (200, '{"queues":[]}')


async def test_the_web_ui_stays_while_the_worker_starts_again(late, redis_url):
    told, made, port = late
    told.append(ConnectionOptions.from_url(redis_url))
    await asked(port, "/api/queues")
    told.append(Refusal(503, "the worker has not started yet"))
    meanwhile = await asked(port, "/api/queues")
    told.append(ConnectionOptions.from_url(redis_url))

    assert meanwhile[0] == (await asked(port, "/api/queues"))[0] == 200
    assert len(made) == 1


async def test_the_web_ui_follows_a_worker_to_another_redis(late, redis_url, redis_client):
    told, _made, port = late
    store(redis_client, "pending", "a")
    told.append(ConnectionOptions.from_url(redis_url))
    here = await asked(port, "/api/queues/mail")
    told.append(ConnectionOptions.from_url(f"{redis_url}&namespace=elsewhere"))

    assert here[0] == 200
    assert (await asked(port, "/api/queues/mail"))[0] == 404


async def test_a_fault_in_finding_redis_is_logged_and_not_shown(late, caplog):
    told, _made, port = late
    told.append(ValueError("secret"))

    status, text = await asked(port, "/api/queues")

    assert status == 500
    assert "secret" not in text
    assert "a request failed: ValueError" in caplog.text


async def test_the_connection_of_the_web_ui_is_closed_at_the_end(late, redis_url, redis_client):
    told, _made, port = late
    told.append(ConnectionOptions.from_url(f"{redis_url}&client_name=late"))

    def connections():
        return sum(each["name"] == "late" for each in redis_client.client_list())

    async with lifespan(port):
        await asked(port, "/api/queues")
        during = connections()

    assert (during, connections()) == (1, 0)
