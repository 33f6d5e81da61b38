"""What bodies of requests have in common: times, and bytes as text or in Base64."""

from datetime import datetime
from typing import Annotated

import msgspec

from pyasynq.web.refusal import Refusal

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time in RFC 3339 form, with a zone."""


def given_bytes(name: str, text: str | None, data: bytes | None) -> bytes | None:
    """Return bytes that are given as text or in Base64; None if they are not given.

    Raises:
        Refusal: they are given twice, or are no text.
    """
    if text is None:
        return data
    if data is not None:
        raise Refusal(400, f"{name} and {name}_base64 contradict each other")
    return text.encode()
