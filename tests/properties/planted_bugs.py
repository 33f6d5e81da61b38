"""A pytest plugin that plants one bug, named after the property that must catch it: `--plant`."""

import contextlib
from collections.abc import Callable
from datetime import timedelta

import pytest

from pyasynq import client, options
from pyasynq.broker import bulk, prepare
from pyasynq.cli import main
from pyasynq.connection.options import ConnectionOptions
from pyasynq.errors import ConfigError
from pyasynq.task import Task
from pyasynq.wire import message, option_text


def forget_the_range_of_durations() -> None:
    def fault(what: str, value: object, *, minimum: timedelta = timedelta(0)) -> str | None:
        return "too short" if options.to_timedelta(value) < minimum else None

    options.duration_fault = fault


def lose_zero_bytes() -> None:
    encode = prepare.encode
    prepare.encode = lambda given: encode(given).replace(b"\x00", b"")


def store_the_good_ones_although_one_is_wrong() -> None:
    def prepared_all(tasks: list, prepare_one: Callable) -> list:
        items = []
        for given in tasks:
            with contextlib.suppress(ConfigError):
                items.append(prepare_one(*bulk._with_options(given)))
        return items

    client.prepared_all = prepared_all


def take_text_for_a_task() -> None:
    understand = bulk._with_options
    bulk._with_options = lambda given: understand(Task(given) if given == "null" else given)


def show_the_password() -> None:
    ConnectionOptions.__repr__ = lambda self: f"ConnectionOptions({self.password})"


def stumble_over_a_bracket() -> None:
    read = ConnectionOptions.from_url

    def from_url(url: str) -> ConnectionOptions:
        return read(str(int(url, 16)) if "[" in url else url)

    ConnectionOptions.from_url = from_url


def let_the_error_of_the_codec_through() -> None:
    decode = message.decode
    message.decode = lambda data: decode(data[: len(data.decode()) + 1])


def take_every_option_to_have_an_argument() -> None:
    parse = option_text.parse_option
    option_text.parse_option = lambda text: parse(text[: text.index("(") + 1] + text.split("(")[1])


def end_with_another_code() -> None:
    main.exit_code = lambda _error: 1


BUGS: dict[str, Callable[[], None]] = {
    "test_options_are_good_or_a_config_error": forget_the_range_of_durations,
    "test_what_is_enqueued_is_what_is_stored_and_what_is_refused_leaves_nothing": lose_zero_bytes,
    "test_many_are_stored_as_one_by_one_or_not_at_all": store_the_good_ones_although_one_is_wrong,
    "test_what_is_enqueued_must_be_a_task": take_text_for_a_task,
    "test_a_url_is_options_or_a_config_error_without_its_password": show_the_password,
    "test_any_text_is_a_url_or_a_config_error": stumble_over_a_bracket,
    "test_any_bytes_are_a_record_or_a_payload_error": let_the_error_of_the_codec_through,
    "test_any_text_is_an_option_or_a_duration_or_a_payload_error": (
        take_every_option_to_have_an_argument
    ),
    "test_the_command_line_ends_with_a_code_and_no_traceback": end_with_another_code,
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--plant", required=True)


def pytest_configure(config: pytest.Config) -> None:
    BUGS[config.getoption("--plant")]()
