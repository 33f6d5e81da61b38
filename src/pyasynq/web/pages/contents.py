"""Payloads and results on pages: short in tables, whole on the page of a task. Pure."""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pyasynq.admin.payload_text import indented_json, payload_text
from pyasynq.web.formatting import Formatter, as_text
from pyasynq.web.look import Look

SHORT = 200  # characters of a cell
LONGEST_TEXT = 20_000  # characters of a text
LARGEST_TREE = 200_000  # bytes of JSON that is shown as a tree
MOST_NODES = 1000
MOST_LEVELS = 40
MOST_DUMPED = 1024  # bytes
IN_A_LINE = 16
LONGEST_BASE64 = 3072  # bytes

Kind = Literal["empty", "json", "text", "binary"]
What = Literal["payload", "result"]
NodeKind = Literal["object", "array", "text", "number", "word", "more"]


@dataclass(slots=True)
class Node:
    """A value in a tree of JSON.

    Attributes:
        kind: what it is; "more" stands for those that are left out.
        key: its name in an object, or its place in an array; empty for the root.
        text: what a plain value says.
        size: how many values an object or an array has.
        children: those of them that are shown.
    """

    kind: NodeKind
    key: str
    text: str = ""
    size: int = 0
    children: list["Node"] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A payload or a result as the page of a task shows it.

    Attributes:
        kind: what it is.
        size: bytes.
        text: it as text, printable and cut; empty if it is binary.
        is_cut: whether it is longer than what is shown.
        tree: it as a tree, if it is JSON and not too large.
        dump: its first bytes in hexadecimal digits, if it is binary.
        encoded: it in Base64, if it is binary and not too large.
    """

    kind: Kind
    size: int
    text: str = ""
    is_cut: bool = False
    tree: Node | None = None
    dump: str = ""
    encoded: str = ""


def short_payload(look: Look, task_type: str, data: bytes) -> str:
    """Return a payload for a cell; empty for none."""
    return _short(look, task_type, data, "payload")


def short_result(look: Look, task_type: str, data: bytes | None) -> str:
    """Return a result for a cell; empty for none."""
    return _short(look, task_type, data or b"", "result")


def payload_content(look: Look, task_type: str, data: bytes) -> Content:
    """Return a payload as the page of its task shows it."""
    return _content(look, task_type, data, "payload")


def result_content(look: Look, task_type: str, data: bytes | None) -> Content:
    """Return a result as the page of its task shows it."""
    return _content(look, task_type, data or b"", "result")


def printable(text: str) -> str:
    """Return a text of several lines with what cannot be printed escaped."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in "\n\t" else _escaped(each) for each in text
    )


def _escaped(character: str) -> str:
    return "" if character == "\r" else ascii(character)[1:-1]


def _short(look: Look, task_type: str, data: bytes, what: What) -> str:
    if not data:
        return ""
    if _formatter(look, what) is as_text:
        head = data[: 4 * SHORT]  # a character has four bytes at most
        is_cut = len(head) < len(data)
        text = payload_text(_whole_characters(head) if is_cut else head, as_hex=True)
        return text[:SHORT] + ("…" if len(text) > SHORT or is_cut else "")
    return _formatted(look, task_type, data, what)[:SHORT]


def _content(look: Look, task_type: str, data: bytes, what: What) -> Content:
    if _formatter(look, what) is not as_text:
        text = _formatted(look, task_type, data, what)
        return _content_of_text(text, text.encode("utf-8", "surrogateescape"), len(data))
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" not in text:
        return _content_of_text(text, data, len(data))
    return Content(
        kind="binary",
        size=len(data),
        is_cut=len(data) > MOST_DUMPED,
        dump="\n".join(_dumped(data[:MOST_DUMPED])),
        encoded=base64.b64encode(data).decode() if len(data) <= LONGEST_BASE64 else "",
    )


def _content_of_text(text: str, data: bytes, size: int) -> Content:
    if not text:
        return Content(kind="empty", size=size)
    tree = tree_of(data)
    shown = printable((indented_json(data) if tree else None) or text)
    return Content(
        kind="json" if tree else "text",
        size=size,
        text=shown[:LONGEST_TEXT],
        is_cut=len(shown) > LONGEST_TEXT,
        tree=tree,
    )


def tree_of(data: bytes) -> Node | None:
    """Return an object or an array of JSON as a tree; None if it is none, or is too large."""
    if len(data) > LARGEST_TREE or data.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        # Numbers stay as they are written: a large one would lose digits.
        value = json.loads(data, parse_int=_Number, parse_float=_Number, parse_constant=_Number)
    except (ValueError, RecursionError):
        return None
    return _Planter().root(value)


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


class _Planter:
    """Makes a tree that has not too many nodes and levels."""

    def __init__(self) -> None:
        self._left = MOST_NODES

    def root(self, value: Any) -> Node:
        return self._node("", value, 0)

    def _node(self, key: str, value: Any, level: int) -> Node:
        self._left -= 1
        match value:
            case dict():
                return self._with_children(Node("object", key), list(value.items()), level)
            case list():
                pairs = [(str(at), each) for at, each in enumerate(value)]
                return self._with_children(Node("array", key), pairs, level)
            case _Number():
                return Node("number", key, str(value))
            case str():
                return Node("text", key, value)
        return Node("word", key, {True: "true", False: "false"}.get(value, "null"))

    def _with_children(self, node: Node, pairs: Sequence[tuple[str, Any]], level: int) -> Node:
        node.size = len(pairs)
        for key, value in pairs:
            if self._left <= 0 or level >= MOST_LEVELS:
                node.children.append(Node("more", "", size=len(pairs) - len(node.children)))
                break
            node.children.append(self._node(key, value, level + 1))
        return node


def _dumped(data: bytes) -> Iterator[str]:
    """Yield lines of sixteen bytes: where they are, their digits, and what can be read of them."""
    for first in range(0, len(data), IN_A_LINE):
        some = data[first : first + IN_A_LINE]
        digits = some.hex(" ").ljust(3 * IN_A_LINE - 1)
        text = "".join(map(_readable, some))
        yield f"{first:08x}  {digits}  {text}"


def _readable(byte: int) -> str:
    character = chr(byte)
    return character if character.isascii() and character.isprintable() else "."


def _whole_characters(data: bytes) -> bytes:
    """Return the beginning of a text without the character that was cut at its end."""
    for cut in range(4):
        some = data[: len(data) - cut]
        try:
            some.decode()
        except UnicodeDecodeError:
            continue
        return some
    return data


def _formatter(look: Look, what: What) -> Formatter:
    return look.formatters.payload if what == "payload" else look.formatters.result


def _formatted(look: Look, task_type: str, data: bytes, what: What) -> str:
    uncut = replace(look.formatters, max_payload_length=None, max_result_length=None)
    if what == "payload":
        return uncut.of_payload(task_type, data)
    return uncut.of_result(task_type, data)
