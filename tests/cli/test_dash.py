"""``pyasynq dash`` starts where it can, and says what is missing where it cannot."""

import sys

import pytest

from tests.support.stored_tasks import store


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}])
def test_a_dash_on_a_terminal_ends_with_q(on_terminal, redis_client, environment):
    store(redis_client, "pending", "a", queue="letters")

    done = on_terminal("dash", typed="q", **environment)

    assert done.code == 0
    assert "Queues" in done.out


def test_without_the_extra_the_error_says_how_to_install_it(cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "textual", None)

    done = cli("dash")

    assert (done.code, done.out) == (1, "")
    assert "`pip install 'pyasynq[tui]'` brings it" in done.err


def test_without_a_terminal_the_error_names_other_commands(cli):
    done = cli("dash")

    assert (done.code, done.out) == (2, "")
    assert "dash needs a terminal; `pyasynq stats`" in done.err


@pytest.mark.parametrize("refresh", ["0", "0.9", "900ms", "-2", "often"])
def test_a_refresh_that_is_too_short_is_refused(cli, refresh):
    done = cli("dash", f"--refresh={refresh}")

    assert done.code == 2
    assert "--refresh" in done.err


def test_a_wrong_url_is_an_error_before_anything_is_shown(on_terminal):
    done = on_terminal("dash", "--redis-url", "http://localhost")

    assert done.code == 2
    assert done.out.startswith("Error: ")
