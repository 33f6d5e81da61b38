"""The settings behind the question mark of a URL: ours, and redis-py's where they mean the same.

Hosting platforms give URLs for redis-py, so what these say about the server is taken over, and what
they say about its client is of no use to ours.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import parse_qsl

from pyasynq.spelling import nearest

_OTHER_NAMES: Mapping[str, str] = {
    "connect_timeout": "connect_timeout_s",
    "socket_timeout": "socket_timeout_s",
    "replication_timeout": "replication_timeout_s",
    # redis-py's
    "socket_connect_timeout": "connect_timeout_s",
    "ssl_ca_certs": "ca_file",
    "ssl_certfile": "cert_file",
    "ssl_keyfile": "key_file",
    "ssl_cert_reqs": "verify",
    "ssl_password": "key_password",
}
_NOT_OURS = ("kind", "hosts", "path", "tls")
# Of redis-py, about what its clients do: ours do it in their own way.
_IGNORED = (
    "decode_responses",
    "encoding",
    "encoding_errors",
    "health_check_interval",
    "lib_name",
    "lib_version",
    "protocol",
    "retry_on_timeout",
    "socket_keepalive",
)
_CERTIFICATES = {"none": False, "cert_none": False, "required": True, "cert_required": True}
_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def read_query(query: str, known: Collection[str], faults: list[str]) -> dict[str, Any]:
    """Return the options that *query* gives; what is wrong in it goes to *faults*.

    Args:
        known: the names of all options.
    """
    values: dict[str, Any] = {}
    is_name_checked = True
    for given, text in parse_qsl(query, keep_blank_values=True):
        name = _OTHER_NAMES.get(given, given)
        if given in _IGNORED:
            continue
        if given == "ssl_check_hostname":
            is_name_checked = _FLAGS.get(text.lower(), True)
            continue
        if name in _NOT_OURS or name not in known:
            near = nearest(given, [*known, *_OTHER_NAMES])
            hint = f"; did you mean {near!r}" if near else ""
            faults.append(f"a redis URL has no setting {given[:30]!r}{hint}")
            continue
        values[name] = _reader_of(given, name)(given, text, faults)
    if not is_name_checked and values.get("verify", True):
        faults.append(
            "ssl_check_hostname cannot be false alone; verify=none trusts any certificate and name"
        )
    return values


def read_number(what: str, text: str, faults: list[str]) -> int:
    """Read a whole number that is to be *what*."""
    if re.fullmatch(r"-?[0-9]{1,10}", text):
        return int(text)
    faults.append(f"{what} must be a number, not {text[:30]!r}")
    return 1


def _reader_of(given: str, name: str) -> Callable[[str, str, list[str]], Any]:
    if given == "ssl_cert_reqs":
        return _read_certificates
    if name in ("busy_wait", "proxy"):
        return _read_flag
    if name == "verify":
        return _read_verify
    if name in ("db", "max_connections", "replicas"):
        return read_number
    return _read_seconds if name.endswith("_s") else _read_text


def _read_text(_given: str, text: str, _faults: list[str]) -> str:
    return text


def _read_seconds(given: str, text: str, faults: list[str]) -> float:
    try:
        return float(text)
    except ValueError:
        faults.append(f"{given} must be a number of seconds, not {text[:30]!r}")
        return 1.0


def _read_flag(given: str, text: str, faults: list[str]) -> bool:
    if text.lower() not in _FLAGS:
        faults.append(f"{given} must be yes or no, not {text[:30]!r}")
    return _FLAGS.get(text.lower(), True)


def _read_verify(_given: str, text: str, faults: list[str]) -> bool:
    if text not in ("none", "full"):
        faults.append(f"verify must be none or full, not {text[:30]!r}")
    return text != "none"


def _read_certificates(given: str, text: str, faults: list[str]) -> bool:
    if text.lower() not in _CERTIFICATES:
        faults.append(f"{given} must be none or required, not {text[:30]!r}; ours is verify=none")
    return _CERTIFICATES.get(text.lower(), True)
