"""Whatever is sent, the answer is a good one or says what is wrong: never a 500 or a traceback."""

import asyncio
from urllib.parse import quote, unquote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyasynq.web import create_app
from pyasynq.web.formatting import Formatters
from pyasynq.web.live.pace import Pace
from pyasynq.web.table import endpoints
from tests.support.every_state import STATES, fill

ROUTES = endpoints(Formatters())
AS_IT_SHOULD_BE = {200, 204, 303, 400, 403, 404, 405, 409, 429}
NOT_WELL = {"/api/x/health"}  # 503 if no server serves what is asked for
KNOWN = ("mail", "orders", "empty", "идеи", "daily", *(f"{each}-1" for each in STATES), "entry-1")

NUMBERS = ("", "0", "-1", "1", "1000", "1001", "9" * 20, "1e3", "٣", " 1", "x", "1_0")
DOCUMENTS = (
    *(b"", b"null", b"[]", b"{}", b"1", b'"a"', b"{", b"\xff", b'{"task_ids": [null]}'),
    *(b'{"task_ids": ["retry-1", "nobody", "", " "]}', b'{"task_ids": "a"}', b'{"task_ids": {}}'),
    *(b'{"then": "drop"}', b'{"then": null}', b'{"at": "2090-01-01T00:00:00Z"}', b'{"at": 1}'),
    *(
        b'{"task_ids": [], "task_ids": ["\\ud800"]}',
        b"[" * 5000,
        b'{"at": "9999-12-31T23:59:59-23:59"}',
    ),
    *(b'{"verb": "run", "query": "state:retry"}', b'{"verb": "delete", "query": "("}'),
    *(b'{"verb": "archive", "queue": "mail", "state": "pending"}', b'{"verb": "delete"}'),
    *(
        b'{"verb": "cancel", "tasks": [{"queue": "mail", "id": "active-1"}]}',
        b'{"verb": "reschedule"}',
    ),
)

names = st.sampled_from(KNOWN) | st.text(min_size=1, max_size=12)
raw_names = names.map(lambda name: quote(name.encode("utf-8", "surrogatepass"), safe="")) | (
    st.binary(min_size=1, max_size=12).map(lambda data: quote(data, safe=":"))
)
paths = st.text(max_size=12).map(lambda text: f"/{quote(text, '/:%', errors='replace')}")
places = st.sampled_from([(each.method, each.path) for each in ROUTES]) | st.tuples(
    st.sampled_from(["GET", "POST", "DELETE", "PUT", "HEAD", "é"]), paths
)
numbers = st.sampled_from(NUMBERS)
words = st.tuples(
    st.sampled_from(["format", "state", "queue", "group"]),
    st.sampled_from(["csv", "import", "retry", "dead", "mail", "daily"]),
)
queries = (
    words
    | st.tuples(
        st.sampled_from(["size", "page", "scan", "limit", "most", "duration", "endtime", "end"]),
        numbers,
    )
    | st.tuples(st.sampled_from(["query", "cursor", "queue", "queues", ""]), st.text(max_size=12))
)
bodies = st.sampled_from(DOCUMENTS) | st.binary(max_size=20)
headers = st.tuples(
    st.sampled_from([b"host", b"origin", b"authorization", b"content-length", b"cookie"]),
    st.binary(max_size=12),
)
odd = st.fixed_dictionaries({}) | st.one_of(
    queries.map(lambda each: {"query": [each]}),
    bodies.map(lambda each: {"body": each}),
    headers.map(lambda each: {"headers": [each]}),
)
requests = st.tuples(places, raw_names, odd)


@pytest.fixture(scope="module")
def asked(redis_server):
    """Asks an application that lives as long as the module, on a loop of its own."""
    client = redis_server.client()
    client.flushall()
    fill(client, 2_000_000_000)
    app = create_app(redis_server.url)
    app.live.pace = Pace(longest_s=0)
    with asyncio.Runner() as runner:
        yield lambda request: runner.run(answered(app, *request))
        runner.run(app.aclose())
    client.close()


async def answered(app, place, name, odd):
    """Send a request without a client between, which would refuse or mend what is odd."""
    sent = []
    method, path = place
    for part in ("queue", "task_id", "group", "entry_id", "job_id"):
        # The odd name is that of one thing; what stands before it exists.
        path = path.replace(f"{{{part}}}", name if f"{{{part}}}" in path[-30:] else quote("mail"))
    body = odd.get("body", b"")
    scope = {
        "type": "http",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": urlencode(odd.get("query", ()), errors="surrogatepass").encode(),
        "headers": [(b"sec-fetch-site", b"same-origin"), *odd.get("headers", ())],
        "client": ("127.0.0.1", 1),
    }

    parts = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive():
        if parts:
            return parts.pop()
        return await asyncio.Future()  # whoever has asked waits for the answer

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], b"".join(each.get("body", b"") for each in sent[1:])


@given(request=requests)
def test_any_request_is_answered_and_none_with_a_failure(asked, request):
    status, body = asked(request)

    is_well = status in AS_IT_SHOULD_BE or (status == 503 and request[0][1] in NOT_WELL)
    assert is_well, (status, body)
    assert b"Traceback" not in body
