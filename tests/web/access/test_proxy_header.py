"""A proxy tells who has logged in; nobody else can."""

import pytest

from pyasynq.errors import ConfigError
from pyasynq.web import ProxyHeader

NAME = "X-Forwarded-User"
PROXY = ProxyHeader(NAME, trusted=["192.0.2.7", "2001:db8::/32"])


@pytest.mark.parametrize(
    "address", ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", "2001:db8::1%eth0"]
)
async def test_a_proxy_that_is_trusted_is_believed(make_web, address):
    web = make_web(auth=PROXY, access={"ann": "read"}, address=address)

    ann = await web.ask("GET", "/api/queues", headers={NAME: "ann"})
    bob = await web.ask("GET", "/api/queues", headers={NAME: "bob"})

    assert (ann.status_code, bob.status_code) == (200, 403)


@pytest.mark.parametrize("address", ["192.0.2.8", "127.0.0.1", "::1", "", "nowhere"])
async def test_a_header_of_anybody_else_is_ignored(make_web, address):
    web = make_web(auth=PROXY, address=address)

    answer = await web.ask(
        "GET", "/api/queues", headers={NAME: "ann", "X-Forwarded-For": "192.0.2.7"}
    )

    assert answer.status_code == 401
    assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize("given", [[], [""], [" "], ["ann", "bob"], ["a" * 201]])
async def test_a_header_that_is_absent_empty_or_ambiguous_is_nobody(make_web, given):
    web = make_web(auth=PROXY, address="192.0.2.7")

    answer = await web._client.get("/api/queues", headers=[(NAME, each) for each in given])

    assert answer.status_code == 401


async def test_whoever_comes_through_a_socket_file_is_trusted_only_if_that_is_said(make_web):
    trusting = make_web(auth=ProxyHeader(NAME, trusted=["unix"]), address="")
    other = make_web(auth=PROXY, address="")

    answers = [
        await web.ask("GET", "/api/queues", headers={NAME: "ann"}) for web in (trusting, other)
    ]

    assert [each.status_code for each in answers] == [200, 401]


@pytest.mark.parametrize(
    ("name", "trusted", "fault"),
    [
        ("", ["192.0.2.7"], "the name of a header"),
        ("X User", ["192.0.2.7"], "the name of a header"),
        (None, ["192.0.2.7"], "the name of a header"),
        (NAME, [], "must name the proxy"),
        (NAME, "192.0.2.7", "must be a list"),
        (NAME, ["proxy.local"], "'proxy.local' is not an address"),
        (NAME, ["10.0.0.1/8"], "'10.0.0.1/8' is not an address or a network"),
    ],
)
def test_a_wrong_proxy_is_refused(name, trusted, fault):
    with pytest.raises(ConfigError, match=fault):
        ProxyHeader(name, trusted=trusted)
