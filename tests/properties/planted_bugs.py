"""A pytest plugin that plants one bug, named after the property that must catch it: `--plant`."""

import contextlib
import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from pyasynq import client, clock, identifiers, options
from pyasynq.admin.filters import parsing, values
from pyasynq.app.harness import harness
from pyasynq.broker.new_tasks import prepare
from pyasynq.broker.operations import bulk
from pyasynq.cli import main, table, text_width
from pyasynq.connection.options import ConnectionOptions
from pyasynq.errors import ConfigError
from pyasynq.inspector import exports, imports
from pyasynq.payload import exact_values, json_text, json_type
from pyasynq.payload.quick_binding import QuickBinding
from pyasynq.scheduler.cron.schedule import CronSchedule
from pyasynq.task import Task
from pyasynq.web.rest import tasks
from pyasynq.web.routing import Call
from pyasynq.wire import go_duration, message, option_text
from pyasynq.worker import log_lines
from pyasynq.worker.execute.processes import frames
from pyasynq.worker.measure import durations


def lose_bytes_that_are_no_text() -> None:
    exports.fields_in_text = lambda fields: {
        "fields": {
            name.decode(errors="replace"): each.decode(errors="replace")
            for name, each in fields.items()
        }
    }


def turn_the_order_of_ids_in_every_second_run() -> None:
    in_order, runs = harness.ids_in_order, itertools.count()

    @contextlib.contextmanager
    def turned() -> Iterator[None]:
        step = 1 if next(runs) % 2 else -1
        identifiers._numbers = itertools.count(2**20, step)
        with in_order():
            yield

    harness.ids_in_order = turned


def draw_queues_by_their_weights() -> None:
    replace = dataclasses.replace
    harness.dataclasses = SimpleNamespace(
        replace=lambda config, **changes: replace(config, **{**changes, "strict_priority": False})
    )


def let_the_error_of_a_number_through() -> None:
    imports._score = lambda given, _state: None if given is None else float(given)


def forget_the_range_of_durations() -> None:
    def fault(what: str, value: object, *, minimum: timedelta = timedelta(0)) -> str | None:
        return "too short" if options.to_timedelta(value) < minimum else None

    options.duration_fault = fault


def lose_zero_bytes() -> None:
    encode, encode_new = prepare.encode, prepare.encode_new
    prepare.encode = lambda given: encode(given).replace(b"\x00", b"")
    prepare.encode_new = lambda *given: encode_new(*given).replace(b"\x00", b"")


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


def count_nanoseconds_in_floating_point() -> None:
    json_text.to_nanoseconds = lambda span: int(span.total_seconds() * 1e9)


def keep_the_order_of_keys() -> None:
    to_builtins = msgspec.to_builtins
    msgspec.to_builtins = lambda value, **how: to_builtins(value, **{**how, "order": None})


def let_the_error_of_json_through() -> None:
    json_type.CODEC_ERRORS = ()


def accept_any_argument() -> None:
    json_type.JsonType.accept = lambda _self, value: value
    json_type.JsonType.write = lambda _self, value: json_text.encode(value)


def take_every_float_for_a_finite_one() -> None:
    exact_values._SCALARS[inspect.FloatType] = {float: lambda _value: True}


def write_as_msgspec_does() -> None:
    json_type.encode_at_once = msgspec.json.encode


def bind_whatever_is_given() -> None:
    def bind(self, args: tuple, kwargs: dict) -> dict:
        return {**self._defaults, **dict(zip(self._positional, args, strict=False)), **kwargs}

    QuickBinding.bind = bind


def lose_what_cannot_be_printed() -> None:
    option_text._quoted = lambda text: (each for each in text if each.isprintable())


def cut_numbers_to_32_bits() -> None:
    encode = message.encode
    message.encode = lambda given: encode(
        msgspec.structs.replace(given, timeout=given.timeout % 2**32)
    )


def write_seconds_in_floating_point() -> None:
    go_duration.format_duration = lambda duration_ns: f"{duration_ns / 1e9:.9f}s"


def forget_the_64_bits() -> None:
    go_duration._MAX_INT64 = 2**70


def believe_every_round_trip_to_be_even() -> None:
    def observe(self, *, sent_ns: int, received_ns: int, redis_ns: int) -> bool:
        self.offset_ns = redis_ns - (sent_ns + received_ns) // 2
        return True

    clock.SystemClock.observe = observe


BAD_INPUT = "tests/properties/test_bad_input.py"
ORDER = "tests/app/harness/test_order.py"
PAYLOADS = "tests/payload/test_properties.py"
EXACT = "tests/payload/test_exact_values.py"
FILTERS = "tests/admin/filters/test_parsing.py"
TABLES = "tests/cli/test_table.py"
FRAMES = "tests/worker/execute/processes/test_frames.py"
LINES = "tests/inspector/test_task_lines.py"
MESSAGES = "tests/wire/test_message.py"
SCHEDULES = "tests/scheduler/cron/test_schedule.py"
DURATIONS = "tests/wire/test_go_duration.py"
OPTION_TEXTS = "tests/wire/test_option_text.py"


def take_any_field_for_the_payload() -> None:
    class AnyTag(int):
        def __ne__(self, other: object) -> bool:
            return False

        __hash__ = int.__hash__

    message.PAYLOAD_TAG = AnyTag(message.PAYLOAD_TAG)


def lose_what_is_left_of_a_chunk() -> None:
    cut = frames.FrameCutter.cut
    frames.FrameCutter.cut = lambda _self, data: cut(frames.FrameCutter(), data)


def take_anything_for_a_mark() -> None:
    class AnyMark(bytes):
        def __ne__(self, other: object) -> bool:
            return False

        def startswith(self, *_args: object) -> bool:
            return True

        __hash__ = bytes.__hash__

    frames.MARK = AnyMark(frames.MARK)


def cut_characters_and_not_columns() -> None:
    def cut_to(text: str, width: int) -> str:
        return text[:width]

    text_width.cut_to = table.cut_to = cut_to


def forget_to_escape() -> None:
    values._in_quotes = lambda text: f'"{text}"'


def stumble_over_an_unknown_field() -> None:
    parsing.OTHER_NAMES = None


def take_no_note_of_summer_time() -> None:
    CronSchedule._next_change = lambda self, at, end: None


def take_every_body_for_json() -> None:
    async def body_of(call: Call, kind: type) -> Any:
        return msgspec.convert(msgspec.json.decode(await call.request.body()), kind)

    tasks.body_of = body_of


def log_what_cannot_be_encoded() -> None:
    log_lines._without_lone_surrogate = lambda found: found[0]


def let_a_bound_belong_to_the_bucket_above() -> None:
    bounds = {math.nextafter(bound, math.inf): bound for bound in durations.SECONDS}
    durations._FINE = tuple(bounds.get(each, each) for each in durations._FINE)


BUGS: dict[str, Callable[[], None]] = {
    f"{ORDER}::test_tasks_run_by_priority_and_then_in_the_order_of_their_enqueues": (
        draw_queues_by_their_weights
    ),
    f"{ORDER}::test_a_second_run_is_like_the_first_one_also_with_retries": (
        turn_the_order_of_ids_in_every_second_run
    ),
    "tests/worker/test_log_lines.py::test_any_record_is_one_valid_line": log_what_cannot_be_encoded,
    f"{BAD_INPUT}::test_options_are_good_or_a_config_error": forget_the_range_of_durations,
    f"{BAD_INPUT}::test_what_is_enqueued_is_what_is_stored_and_what_is_refused_leaves_nothing": (
        lose_zero_bytes
    ),
    f"{BAD_INPUT}::test_many_are_stored_as_one_by_one_or_not_at_all": (
        store_the_good_ones_although_one_is_wrong
    ),
    f"{BAD_INPUT}::test_what_is_enqueued_must_be_a_task": take_text_for_a_task,
    f"{BAD_INPUT}::test_a_url_is_options_or_a_config_error_without_its_password": (
        show_the_password
    ),
    f"{BAD_INPUT}::test_any_text_is_a_url_or_a_config_error": stumble_over_a_bracket,
    f"{BAD_INPUT}::test_any_bytes_are_a_record_or_a_payload_error": (
        let_the_error_of_the_codec_through
    ),
    f"{BAD_INPUT}::test_any_text_is_an_option_or_a_duration_or_a_payload_error": (
        take_every_option_to_have_an_argument
    ),
    f"{BAD_INPUT}::test_the_command_line_ends_with_a_code_and_no_traceback": end_with_another_code,
    f"{PAYLOADS}::test_every_call_comes_back": count_nanoseconds_in_floating_point,
    f"{PAYLOADS}::test_equal_calls_have_equal_bytes": keep_the_order_of_keys,
    f"{PAYLOADS}::test_any_payload_fits_or_is_a_payload_error": let_the_error_of_json_through,
    f"{PAYLOADS}::test_what_is_accepted_is_understood_by_the_worker": accept_any_argument,
    f"{EXACT}::test_a_call_is_written_or_refused_as_the_checks_do_it": (
        take_every_float_for_a_finite_one
    ),
    f"{EXACT}::test_what_is_said_to_arrive_as_it_is_does": take_every_float_for_a_finite_one,
    "tests/payload/test_written_at_once.py::test_a_value_is_written_or_refused_as_part_by_part": (
        write_as_msgspec_does
    ),
    "tests/payload/test_quick_binding.py::test_a_call_is_bound_as_python_binds_it_or_declined": (
        bind_whatever_is_given
    ),
    f"{FILTERS}::test_what_is_written_is_read_as_the_same": forget_to_escape,
    f"{FILTERS}::test_any_text_is_a_filter_or_a_clear_error": stumble_over_an_unknown_field,
    f"{TABLES}::test_no_line_is_wider_than_the_terminal_or_unprintable": (
        cut_characters_and_not_columns
    ),
    f"{TABLES}::test_what_is_cut_and_padded_has_the_width_that_is_asked_for": (
        cut_characters_and_not_columns
    ),
    f"{FRAMES}::test_bodies_are_the_same_however_they_are_cut_into_chunks": (
        lose_what_is_left_of_a_chunk
    ),
    f"{FRAMES}::test_bodies_come_out_of_single_bytes": lose_what_is_left_of_a_chunk,
    f"{FRAMES}::test_what_came_before_garbage_comes_out_and_then_an_error": (
        take_anything_for_a_mark
    ),
    f"{FRAMES}::test_garbage_is_noticed_before_there_is_enough_of_it_for_a_head": (
        take_anything_for_a_mark
    ),
    f"{LINES}::test_a_task_is_the_same_after_its_line_was_read": lose_bytes_that_are_no_text,
    f"{LINES}::test_any_line_is_a_task_or_a_clear_error": let_the_error_of_a_number_through,
    f"{MESSAGES}::test_any_bytes_give_a_message_or_a_clear_error": (
        let_the_error_of_the_codec_through
    ),
    f"{MESSAGES}::test_a_damaged_message_of_a_known_kind_is_read_as_by_protobuf": (
        take_any_field_for_the_payload
    ),
    f"{MESSAGES}::test_decoding_undoes_encoding": cut_numbers_to_32_bits,
    f"{SCHEDULES}::test_it_fires_at_every_minute_that_the_clock_of_the_zone_allows": (
        take_no_note_of_summer_time
    ),
    f"{SCHEDULES}::test_looking_back_finds_what_looking_ahead_found": take_no_note_of_summer_time,
    f"{DURATIONS}::test_parsing_undoes_formatting": write_seconds_in_floating_point,
    f"{DURATIONS}::test_any_text_gives_a_duration_or_a_clear_error": forget_the_64_bits,
    f"{OPTION_TEXTS}::test_unquoting_undoes_quoting": lose_what_cannot_be_printed,
    f"{OPTION_TEXTS}::test_any_text_gives_an_option_or_a_clear_error": (
        take_every_option_to_have_an_argument
    ),
    "tests/test_clock.py::test_the_estimate_is_never_worse_than_the_best_sample_so_far": (
        believe_every_round_trip_to_be_even
    ),
    "tests/worker/measure/test_type_tally.py::test_durations_have_both_kinds_of_buckets_exactly": (
        let_a_bound_belong_to_the_bucket_above
    ),
    "tests/web/test_fuzz.py::test_any_request_is_answered_and_none_with_a_failure": (
        take_every_body_for_json
    ),
    "tests/test_options.py::test_any_values_give_options_or_one_clear_error": (
        forget_the_range_of_durations
    ),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--plant", required=True)


def pytest_configure(config: pytest.Config) -> None:
    BUGS[config.getoption("--plant")]()
