"""The web UI on a real server, behind a real proxy."""

import socket

import httpx
import pytest

from pyasynq.lifecycle.listening import listener_on
from pyasynq.web import create_app
from pyasynq.web.serving import serving
from tests.support.ports import free_port
from tests.support.stored_tasks import store
from tests.support.web import root_of
from tests.support.web_proxy import web_proxy

ROOT = "/tasks"


@pytest.fixture
def server_port(redis_url, redis_client):
    """The port of a server whose web UI a proxy shows at /tasks."""
    store(redis_client, "pending", "a/b", queue="x/y")
    with listener_on("127.0.0.1", free_port()) as listener:
        with serving(create_app(redis_url, root_path=ROOT), listener):
            yield listener.getsockname()[1]


@pytest.mark.parametrize("strips", [ROOT, ""], ids=["strips", "passes-on"])
async def test_links_lead_through_a_proxy(server_port, redis_client, strips):
    async with web_proxy(server_port, strips=strips) as port, httpx.AsyncClient() as client:
        here = f"http://127.0.0.1:{port}"
        pages = [(await client.get(f"{here}{path}")).text for path in (ROOT, f"{ROOT}/")]
        task = await client.get(f"{here}{ROOT}/api/queues/x%2Fy/tasks/a%2Fb")
        pause = await client.post(
            f"{here}{ROOT}/api/queues/x%2Fy:pause", headers={"Origin": here}, content=b"{}"
        )

    assert [root_of(each) for each in pages] == [ROOT, ROOT]
    assert task.json()["id"] == "a/b"
    assert (pause.status_code, redis_client.exists("asynq:{x/y}:paused")) == (204, 1)


async def test_behind_a_proxy_that_drops_the_host_changes_need_what_browsers_add(server_port):
    """That is Sec-Fetch-Site, which they send where the page has TLS, or is of this machine."""
    async with web_proxy(server_port, keeps_host=False) as port, httpx.AsyncClient() as client:
        here = f"http://127.0.0.1:{port}"
        pause = f"{here}{ROOT}/api/queues/x%2Fy:pause"
        by_origin = await client.post(pause, headers={"Origin": here})
        by_site = await client.post(pause, headers={"Sec-Fetch-Site": "same-origin"})

    assert (by_origin.status_code, by_site.status_code) == (403, 204)


def test_nobody_gets_a_web_socket(server_port):
    with socket.create_connection(("127.0.0.1", server_port)) as visitor:
        visitor.sendall(
            b"GET /tasks/api/queues HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        answer = visitor.makefile("rb").readline()

    assert answer == b"HTTP/1.1 200 OK\r\n"  # the upgrade is ignored, as RFC 9110 allows
