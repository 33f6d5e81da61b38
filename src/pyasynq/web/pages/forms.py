"""What a form has sent, with the address of a page or to what changes something."""

from collections.abc import Sequence
from urllib.parse import parse_qsl

from pyasynq.web.paths import fields_of, query_of
from pyasynq.web.questions import read_body
from pyasynq.web.refusal import Refusal
from pyasynq.web.routing import Call

KIND = "application/x-www-form-urlencoded"
MOST_FIELDS = 10_000


class Form:
    """The fields of a form, as they were sent.

    Attributes:
        back: the page of the form, below the root.
    """

    def __init__(self, fields: Sequence[tuple[str, str]]) -> None:
        self._fields = fields
        self.back: str = self.text("back", "/")

    def text(self, name: str, default: str = "") -> str:
        """Return a field; the last one, if there are several of this name."""
        return dict(self._fields).get(name, default)

    def has(self, name: str) -> bool:
        """Return whether there is a field of this name."""
        return any(key == name for key, _ in self._fields)

    def all(self, name: str) -> Sequence[str]:
        """Return all fields of one name."""
        return [value for key, value in self._fields if key == name]


def asked(call: Call) -> Form:
    """Return the fields with which a page was asked for, which are those of its URL."""
    return Form(fields_of(query_of(call.request.scope)))


async def form_of(call: Call) -> Form:
    """Return the form that a request has sent.

    Raises:
        Refusal: it is too large, or not the form of a page.
    """
    kind = call.request.headers.get("content-type", KIND).partition(";")[0].strip().lower()
    if kind != KIND:
        raise Refusal(400, f"a form must be sent as {KIND}")
    data = await read_body(call)
    try:
        text = data.decode("ascii")
        fields = parse_qsl(
            text, keep_blank_values=True, errors="surrogateescape", max_num_fields=MOST_FIELDS
        )
    except ValueError as error:
        raise Refusal(400, "the form cannot be read") from error
    return Form(fields)
