"""Where a request comes from."""

import pytest
from starlette.requests import Request

from pyasynq.web.access.visitor import address_of


@pytest.mark.parametrize(
    ("client", "address"),
    [
        (("10.0.0.7", 1), "10.0.0.7"),
        (("::ffff:10.0.0.7", 1), "10.0.0.7"),  # by IPv4, where a server listens by IPv6
        (("::ffff:1", 1), "::ffff:1"),
        (("fe80::1%eth0", 1), "fe80::1%eth0"),
        (None, ""),
    ],
)
def test_an_address_of_ipv4_is_one_however_a_server_listens(client, address):
    assert address_of(Request({"type": "http", "client": client})) == address


@pytest.mark.parametrize("environment", [{"REMOTE_ADDR": "10.0.0.7"}, {}])
def test_a_server_of_wsgi_tells_it_without_a_port(environment):
    scope = {"type": "http", "wsgi_environ": environment}

    assert address_of(Request(scope)) == environment.get("REMOTE_ADDR", "")
