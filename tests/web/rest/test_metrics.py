"""Metrics come from a Prometheus, whose answers are passed on."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from pyasynq.web.service.prometheus import QUERIES, Range, step_s, urls
from tests.support.ports import free_port


class Prometheus(ThreadingHTTPServer):
    """A server that answers as Prometheus does, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", free_port()), _Handler)
        self.asked = []
        self.status, self.body = 200, b'{"status":"success","data":{"result":[]}}'
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/prom/"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        parts = urlsplit(self.path)
        self.server.asked.append((parts.path, parse_qs(parts.query)))
        self.send_response(self.server.status)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_given):
        pass


@pytest.fixture
def prometheus():
    server = Prometheus()
    yield server
    server.shutdown()
    server.server_close()


async def test_nine_queries_are_sent_and_their_answers_passed_on(make_web, prometheus):
    web = make_web(prometheus_url=prometheus.url)

    found = await web.get("/api/metrics?duration=3600&endtime=1700000000&queues=mail,orders")

    assert list(found) == list(QUERIES)
    assert set(map(json.dumps, found.values())) == {'{"status": "success", "data": {"result": []}}'}
    assert {path for path, _ in prometheus.asked} == {"/prom/api/v1/query_range"}
    queries = sorted(query["query"][0] for _, query in prometheus.asked)
    assert queries[0] == 'asynq_queue_latency_seconds{queue=~"mail|orders"}'
    assert 'asynq_tasks_enqueued_total{state="retry",queue=~"mail|orders"}' in queries
    spans = {
        (query["start"][0], query["end"][0], query["step"][0]) for _, query in prometheus.asked
    }
    assert spans == {("1699996400", "1700000000", "10")}


async def test_errors_of_prometheus_itself_are_passed_on(make_web, prometheus):
    prometheus.status, prometheus.body = 400, b'{"status":"error"}'

    found = await make_web(prometheus_url=prometheus.url).get("/api/metrics")

    assert found["error_rate"] == {"status": "error"}


@pytest.mark.parametrize(("status", "body"), [(200, b"<html>"), (302, b""), (200, b"")])
async def test_what_is_no_prometheus_is_told(make_web, prometheus, status, body):
    prometheus.status, prometheus.body = status, body

    answer = await make_web(prometheus_url=prometheus.url).ask("GET", "/api/metrics")

    assert answer.status_code == 502
    assert "does not send JSON" in answer.text


async def test_a_prometheus_that_is_away_is_told(make_web):
    answer = await make_web(prometheus_url="http://127.0.0.1:1").ask("GET", "/api/metrics")

    assert answer.status_code == 502
    assert "prometheus does not answer" in answer.text


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 404),
        ("?duration=1h", 400),
        ("?endtime=now", 400),
        ("?duration=-1", 400),
        ("?duration=99999999999999999999", 400),
        ("?endtime=９", 400),
    ],
)
async def test_a_number_that_is_none_is_refused(web, query, status):
    answer = await web.ask("GET", f"/api/metrics{query}")

    assert answer.status_code == status
    assert status == 404 or answer.text.startswith("invalid query parameter: ")


@pytest.mark.parametrize(
    ("duration_s", "step"),
    [(0, 10), (21_600, 10), (21_601, 60), (86_401, 180), (691_201, 600), (2_592_001, 864)],
)
def test_longer_times_have_longer_steps(duration_s, step):
    assert step_s(duration_s) == step


def test_the_name_of_a_queue_cannot_change_a_query():
    wanted = Range(end_s=0, duration_s=0, queues=['a"} or vector(1) #', "b.c\\"])

    query = parse_qs(urlsplit(urls("http://p", wanted)["queue_size"]).query)["query"][0]

    assert query == ('asynq_queue_size{queue=~"a\\"\\\\} or vector\\\\(1\\\\) #|b\\\\.c\\\\\\\\"}')


async def test_series_come_from_prometheus_where_it_is(make_web, prometheus):
    row = {"metric": {"queue": "mail"}, "values": [[1_699_999_990, "7"]]}
    answer = {"status": "success", "data": {"resultType": "matrix", "result": [row]}}
    prometheus.body = json.dumps(answer).encode()
    web = make_web(prometheus_url=prometheus.url)

    found = await web.get("/api/x/series?duration=20&end=1700000000&queue=mail")

    assert (found["source"], found["step"]) == ("prometheus", 10)
    assert found["times"] == [1_699_999_980, 1_699_999_990, 1_700_000_000]
    assert found["series"]["error_rate"] == [{"queue": "mail", "values": [None, 7.0, None]}]


async def test_series_that_prometheus_refuses_are_told(make_web, prometheus):
    prometheus.status, prometheus.body = 400, b'{"status":"error","error":"too many points"}'

    answer = await make_web(prometheus_url=prometheus.url).ask("GET", "/api/x/series")

    assert answer.status_code == 502
    assert "too many points" in answer.json()["error"]
