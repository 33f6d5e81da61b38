"""Values of labels that may come from anybody, as every reader of metrics takes them."""

import math
import re
from collections.abc import Iterable
from hashlib import blake2b

import msgspec

from pyasynq.measurements.reading import Reading
from pyasynq.shown import without_surrogates

LONGEST = 200  # characters of the value of a label
_ODD = re.compile("[\x00\ud800-\udfff]")


def label_value(text: str) -> str:
    """Return *text* as the value of a label: short, and of characters that UTF-8 has.

    What is cut or escaped ends in a digest, so that different texts stay different.
    """
    if len(text) <= LONGEST and _ODD.search(text) is None:
        return text
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    begin = without_surrogates(text[:LONGEST]).replace("\x00", "\\x00")
    return f"{begin[: LONGEST - len(digest) - 1]}…{digest}"


def presentable(readings: Iterable[Reading]) -> list[Reading]:
    """Return *readings* with values of labels that can be sent and shown; safe to repeat.

    A number that is infinite or none is left out.
    """
    return [
        msgspec.structs.replace(each, labels=tuple(map(label_value, each.labels)))
        for each in readings
        if not isinstance(each.value, float) or math.isfinite(each.value)
    ]
