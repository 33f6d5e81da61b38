"""Families of samples as text, in the format and the encoding that is asked for."""

import gzip
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from prometheus_client.exposition import choose_encoder, gzip_accepted
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from typing_extensions import override


class Exposition(NamedTuple):
    """What a scrape is answered."""

    body: bytes
    headers: Mapping[str, str]


class Collected(Collector):
    """Families that are known already."""

    def __init__(self, found: Iterable[Family]) -> None:
        self._found = list(found)

    @override
    def collect(self) -> Iterable[Family]:
        """Return them."""
        return self._found


def exposition(collector: Collector, *, accept: str = "", accept_encoding: str = "") -> Exposition:
    """Return what *collector* knows, as text.

    Args:
        collector: a registry, or anything else that collects.
        accept: the header Accept, which may ask for OpenMetrics.
        accept_encoding: the header Accept-Encoding, which may ask for gzip.
    """
    encode, content_type = choose_encoder(accept)
    body = encode(collector)
    headers = {"Content-Type": content_type, "Vary": "Accept, Accept-Encoding"}
    if gzip_accepted(accept_encoding):
        body = gzip.compress(body, compresslevel=1)
        headers["Content-Encoding"] = "gzip"
    return Exposition(body, headers)
