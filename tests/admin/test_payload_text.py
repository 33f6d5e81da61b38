"""Bytes as text that people and programs can read."""

import pytest

from pyasynq.admin.payload_text import in_json, payload_text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b'{"n": 1}', '{"n": 1}'),
        ("日本語 🎉".encode(), "日本語 🎉"),
        (b'{\r\n\t"n": 1\n}', '{\r\n\t"n": 1\n}'),
        (b"  ", "non-printable bytes"),
        (b"\xff", "non-printable bytes"),
        (b"a\x1b[2J", "non-printable bytes"),
        (b"a\x00", "non-printable bytes"),
        ("a\u202e".encode(), "non-printable bytes"),
    ],
)
def test_only_printable_text_is_shown(data, text):
    assert payload_text(data) == text


def test_hexadecimal_is_for_what_is_no_text():
    assert payload_text(b"{}", as_hex=True) == "{}"
    assert payload_text(b"\x00\xff", as_hex=True) == "0x00ff"
    assert payload_text(b"\x00" * 5000, as_hex=True) == f"0x{'00' * 4096}… (904 more bytes)"


@pytest.mark.parametrize(
    ("data", "text", "base64"),
    [(None, None, None), (b"", "", None), (b"\x00", "\x00", None), (b"\xff", None, "/w==")],
)
def test_json_has_text_or_base64(data, text, base64):
    assert in_json("result", data) == {"result": text, "result_base64": base64}
