"""Which handler runs a task."""

import pytest

from pyasynq.errors import ConfigError
from pyasynq.worker.handlers.mux import ServeMux, TaskSettings


async def handle(ctx, task):
    return None


def plain(ctx, task):
    return None


def test_an_exact_type_wins_over_a_longer_prefix_of_another():
    mux = ServeMux()
    mux.add("email:", handle)
    mux.add("email:welcome", plain)

    assert mux.route("email:welcome").pattern == "email:welcome"


def test_else_the_longest_prefix_wins():
    mux = ServeMux()
    for pattern in ("email:", "email:user:", "e"):
        mux.add(pattern, handle)

    assert mux.route("email:user:42").pattern == "email:user:"
    assert mux.route("error").pattern == "e"
    assert mux.route("image") is None


def test_a_prefix_needs_no_separator():
    mux = ServeMux()
    mux.add("email", handle)

    assert mux.route("emailer").pattern == "email"


def test_coroutine_functions_and_plain_ones_are_distinguished():
    class Callable:
        async def __call__(self, ctx, task):
            return None

    mux = ServeMux()
    mux.add("async", handle)
    mux.add("plain", plain)
    mux.add("object", Callable())

    assert [mux.route(each).is_async for each in ("async", "plain", "object")] == [
        True,
        False,
        True,
    ]


@pytest.mark.parametrize("pattern", ["", "  ", None])
def test_a_blank_pattern_is_refused(pattern):
    with pytest.raises(ConfigError, match="pattern"):
        ServeMux().add(pattern, handle)


def test_a_pattern_is_registered_once():
    mux = ServeMux()
    mux.add("email", handle)

    with pytest.raises(ConfigError, match="has a handler already"):
        mux.add("email", plain)


def test_what_cannot_be_called_is_refused_as_a_handler():
    with pytest.raises(ConfigError, match="must be callable"):
        ServeMux().add("email", "handle")


def test_a_decorator_without_its_pattern_is_told():
    with pytest.raises(ConfigError, match=r"write `@mux\.handler\(\"email:welcome\"\)`$"):

        @ServeMux().handler
        def handle(ctx, task): ...


def test_settings_stay_with_their_handler():
    mux = ServeMux()
    settings = TaskSettings(max_deferrals=3)

    returned = mux.handler("email", settings=settings)(handle)

    assert returned is handle
    assert mux.route("email").settings is settings
    assert mux.patterns == ("email",)
