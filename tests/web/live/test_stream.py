"""A stream notices that a server stops which tells nobody."""

from pyasynq.web.live.stream import _stops, written


class Request:
    """The side of a request that uvicorn gives to an application."""

    keep_alive = True

    async def receive(self):
        return {"type": "http.disconnect"}


def test_uvicorn_that_keeps_no_connection_any_longer_stops():
    request = Request()
    stops = _stops(request.receive)

    assert not stops()
    request.keep_alive = False
    assert stops()


def test_a_client_that_wants_no_further_answer_is_no_server_that_stops():
    request = Request()
    request.keep_alive = False

    assert not _stops(request.receive)()


def test_other_servers_are_not_judged():
    async def receive():
        return {"type": "http.disconnect"}

    assert not _stops(receive)()


def test_events_are_lines_whatever_their_data_hold():
    assert written([("dirty", ["queue:a\n\nevent: b", "queue:\udcff"]), ("fresh", {})]) == (
        b'event: dirty\ndata: ["queue:a\\n\\nevent: b", "queue:\\udcff"]\n\n'
        b"event: fresh\ndata: {}\n\n"
    )
