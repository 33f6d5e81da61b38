"""The page of metrics: from own samples, from Prometheus, and without an answer of it."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from pyasynq.admin.metrics.report import METRICS
from pyasynq.admin.metrics.sampler import QueueSample
from pyasynq.clock import SystemClock, redis_now_s
from tests.support import hostile
from tests.support.ports import free_port

DAY_S = 86_400


class Prometheus(ThreadingHTTPServer):
    """Answers each query with one value of each of its queues, at the end of the time."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", free_port()), _Handler)
        self.queues = ["mail"]
        self.status = 200
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        query = parse_qs(urlsplit(self.path).query)
        rows = [
            {"metric": {"queue": each}, "values": [[int(query["end"][0]), "4"]]}
            for each in self.server.queues
        ]
        answer = {"status": "success", "data": {"resultType": "matrix", "result": rows}}
        if self.server.status != 200:
            answer = {"status": "error", "errorType": "bad_data", "error": "<b>no</b>"}
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_given):
        pass


@pytest.fixture
def prometheus():
    server = Prometheus()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def web_of(make_web, prometheus):
    return make_web(prometheus_url=f"http://127.0.0.1:{prometheus.server_address[1]}")


def sample(web, *queues):
    """Take two samples of queues a moment ago."""
    now_s = redis_now_s(SystemClock())
    for back_s, processed in ((20, 0), (10, 50)):
        web.app.live.sampler.take(
            now_s - back_s,
            {
                queue: QueueSample(
                    processed=processed, failed=0, size=3, pending=3, retry=0, archived=0
                )
                for queue in queues
            },
        )


def drawn(page):
    return re.findall(r'id="chart-([a-z_]+)"', page)


async def test_nine_charts_show_own_samples(web, now_s):
    sample(web, "mail", "orders")

    page = await web.page("/q/metrics")

    assert drawn(page) == list(METRICS)
    assert "Own samples" in page
    assert "Samples began" in page
    assert "<title>Tasks processed per second</title>" in page


async def test_before_the_first_sample_it_tells_when_there_will_be_some(web, now_s):
    page = await web.page("/q/metrics")

    assert drawn(page) == []
    assert "Samples are taken every few seconds" in page


async def test_what_own_samples_do_not_know_is_told(web, now_s):
    sample(web, "mail")

    day, month = (
        await web.page("/q/metrics?duration=86400"),
        await web.page("/q/metrics?duration=2592000"),
    )

    assert "go back one day at most" not in day
    assert "go back one day at most" in month


async def test_the_time_and_the_queues_are_in_the_url(web, now_s):
    sample(web, "mail", "orders")

    page = await web.page("/q/metrics?duration=21600&queue=mail")

    assert '<input type="checkbox" name="queue" value="mail" checked>' in page
    assert '<input type="checkbox" name="queue" value="orders">' in page
    assert 'href="/q/metrics?queue=mail&amp;duration=86400"' in page
    assert '<a href="/q/metrics?duration=21600&amp;queue=mail&amp;end=' in page
    assert 'scope="col">orders<' not in page


async def test_earlier_and_later_times_are_linked(web, now_s):
    end_s = now_s - 10 * 3600

    page = await web.page(f"/q/metrics?end={end_s}")

    assert f'<a href="/q/metrics?end={end_s - 3600}" rel="prev"' in page
    assert f'<a href="/q/metrics?end={end_s + 3600}" rel="next"' in page
    assert '<a href="/q/metrics">Until now</a>' in page
    assert "data-live=" not in page.partition("<main")[2]


async def test_a_time_can_be_typed(web, now_s):
    page = await web.page("/q/metrics?at=2020-01-31T12:30")

    assert 'value="2020-01-31T12:30"' in page
    assert "2020-01-31 12:30:00 UTC" in page


@pytest.mark.parametrize(
    "query", ["duration=0", "duration=x", "duration=9999999999", "end=-1", "end=x", "at=noon"]
)
async def test_what_makes_no_sense_is_refused(web, query):
    assert (await web.ask("GET", f"/q/metrics?{query}")).status_code == 400


async def test_nine_charts_show_what_prometheus_knows(web_of, prometheus, now_s):
    page = await web_of.page("/q/metrics?duration=2592000")

    assert drawn(page) == list(METRICS)
    assert "From Prometheus" in page
    assert "go back one day at most" not in page
    assert len(page) < 1_000_000


async def test_more_queues_than_can_be_told_apart_are_counted(web_of, prometheus, now_s):
    prometheus.queues = [f"q{number:02}" for number in range(20)]

    page = await web_of.page("/q/metrics")

    assert "12 more queues are not shown" in page
    assert len(page) < 2_000_000


async def test_an_error_of_prometheus_is_told_and_the_page_lives(web_of, prometheus, now_s):
    prometheus.status = 400

    page = await web_of.page("/q/metrics")

    assert "Prometheus does not answer" in page
    assert "Earlier" in page
    assert hostile.faults(page) == []


async def test_a_prometheus_that_is_away_is_told_and_the_page_lives(make_web, now_s):
    web = make_web(prometheus_url=f"http://127.0.0.1:{free_port()}")

    page = await web.page("/q/metrics")

    assert "Prometheus does not answer" in page
    assert '<input type="checkbox" name="queue" value="mail">' in page


async def test_hostile_queues_are_shown_as_text(web_of, prometheus, now_s, redis_client):
    prometheus.queues = hostile.VECTORS
    redis_client.sadd("asynq:queues", *hostile.VECTORS)

    page = await web_of.page("/q/metrics")

    assert hostile.faults(page) == []
