"""The message of a stored task is changed."""

import pytest

from pyasynq.errors import ConfigError, PayloadError
from pyasynq.inspector import edits
from pyasynq.inspector.edits import Edit, edited
from pyasynq.wire.message import decode
from tests.support.builders import make_data, make_keys


def test_a_message_that_is_too_large_for_redis_is_refused(monkeypatch):
    monkeypatch.setattr(edits, "LARGEST_PAYLOAD_BYTES", 100)

    with pytest.raises(ConfigError, match="at most 512 MiB fit redis"):
        edited(make_data(), Edit(payload=b"x" * 200, changes_payload=True), make_keys())


def test_fields_that_this_version_does_not_know_stay():
    unknown = b"\xa2\x06\x03abc"  # field 100

    change = edited(make_data() + unknown, Edit(max_retry=9), make_keys())

    assert change.data.endswith(unknown)
    assert decode(change.data).retry == 9


def test_a_number_that_does_not_fit_its_field_is_refused():
    with pytest.raises(PayloadError, match="the task cannot be stored"):
        edited(make_data(), Edit(max_retry=2**40), make_keys())


def test_a_lock_of_another_type_or_payload_stays():
    keys = make_keys()
    lock = keys.unique("other", b"{}")
    edit = Edit(payload=b"new", changes_payload=True)

    change = edited(make_data(payload=b"{}", unique_key=lock), edit, keys)

    assert (change.lock, change.new_lock) == (lock, lock)


def test_a_new_type_brings_a_new_lock():
    keys = make_keys()
    data = make_data(type="email", payload=b"{}", unique_key=keys.unique("email", b"{}"))

    change = edited(data, Edit(type="advert"), keys)

    assert change.new_lock == keys.unique("advert", b"{}")
    assert decode(change.data).unique_key == change.new_lock
