"""Payloads and results, which are bytes, as text that people can read.

asynqmon shows them if they are text of printable characters, and else says that they are not. We
show line breaks and tabs, too, since JSON that is indented has them.
"""

NOT_PRINTABLE = "non-printable bytes"  # asynqmon's words
LAYOUT = str.maketrans("", "", "\n\r\t")
MOST_HEX = 4096  # bytes


def payload_text(data: bytes, *, as_hex: bool = False) -> str:
    """Return *data* as text.

    Args:
        data: a payload or a result.
        as_hex: what to do if it is not printable text: show it as hexadecimal digits, at most
            4,096 bytes of it, instead of saying so.
    """
    if not data:
        return ""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = ""
    if text.strip() and text.translate(LAYOUT).isprintable():
        return text
    if not as_hex:
        return NOT_PRINTABLE
    more = f"… ({len(data) - MOST_HEX} more bytes)" if len(data) > MOST_HEX else ""
    return f"0x{data[:MOST_HEX].hex()}{more}"


def indented_json(data: bytes) -> str | None:
    """Return *data* as indented JSON; None if it is no JSON object or array that can be shown."""
    import msgspec  # noqa: PLC0415 - only a page about one task needs it

    if not data.lstrip().startswith((b"{", b"[")):
        return None
    try:
        text = msgspec.json.format(data, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return text if text.translate(LAYOUT).isprintable() else None


def in_json(name: str, data: bytes | None) -> dict[str, str | None]:
    """Return the two fields that hold bytes in JSON: as text if they are UTF-8, else in Base64.

    Args:
        name: of the field; the other is called ``NAME_base64``.
        data: the bytes; both fields are None if there are none.
    """
    import base64  # noqa: PLC0415 - only bytes that are no text need it

    fields: dict[str, str | None] = {name: None, f"{name}_base64": None}
    if data is None:
        return fields
    try:
        fields[name] = data.decode()
    except UnicodeDecodeError:
        fields[f"{name}_base64"] = base64.b64encode(data).decode()
    return fields
