"""What must not be shown is hidden."""

import pytest

from pyasynq.admin.redaction import SecretWords, redacted
from tests.support.builders import make_found

HIDE = SecretWords()


@pytest.mark.parametrize(
    ("what", "data", "shown"),
    [
        ("payload", b'{"password":"x","user":1}', b'{"password":"[hidden]","user":1}'),
        ("payload", b'{"a":[{"API-Key":{"x":1}}]}', b'{"a":[{"API-Key":"[hidden]"}]}'),
        ("result", b'{"accessToken":null}', b'{"accessToken":"[hidden]"}'),
        ("payload", b'["redis://me:pw@host/0"]', b'["redis://[hidden]@host/0"]'),
        ("payload", b'{ "user": 1 }', b'{ "user": 1 }'),
        ("payload", b"user=1&password=x&b=2", b"user=1&password=[hidden]&b=2"),
        ("payload", b"\xff token=x", b"\xff token=[hidden]"),
        ("payload", b"[" * 100_000, b"[" * 100_000),
        ("payload", b"", b""),
        ("error", b"bad: db_password = 'a b', next", b"bad: db_password = [hidden], next"),
        ("error", b"Authorization: Bearer abc def", b"Authorization: [hidden] def"),
        ("error", b"cannot reach postgres://u:p@db/x", b"cannot reach postgres://[hidden]@db/x"),
        ("headers.X-Auth-Token", b"abc", b"[hidden]"),
        ("headers.trace", b"abc", b"abc"),
    ],
)
def test_secrets_are_hidden_and_the_rest_is_shown_as_it_is(what, data, shown):
    assert HIDE(what, data) == shown


def test_words_of_ones_own_are_hidden():
    hide = SecretWords(["iban"])

    assert hide("payload", b'{"iban":1,"password":2}') == b'{"iban":"[hidden]","password":2}'
    assert SecretWords([])("payload", b'{"password":2}') == b'{"password":2}'


def test_every_part_of_a_task_is_shown_to_the_redactor():
    task = make_found(
        payload=b"p", result=b"r", error_msg="e", headers={"h": "v"}, retried=1
    ).shown()
    seen = {}

    hidden = redacted(task, lambda what, data: seen.setdefault(what, data) * 2)

    assert seen == {"payload": b"p", "result": b"r", "error": b"e", "headers.h": b"v"}
    assert (hidden.payload, hidden.result, hidden.last_error) == (b"pp", b"rr", "ee")
    assert hidden.headers == {"h": "vv"}
    assert redacted(task, None) is task
