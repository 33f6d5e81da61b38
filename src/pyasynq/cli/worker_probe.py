"""Asks the HTTP port of a worker how it is, as a probe does in a container without curl.

It is run every few seconds, so it imports next to nothing.
"""

import http.client
import json

from pyasynq.cli.http_address import Address
from pyasynq.shown import LONGEST_ERROR, shown

USUAL = Address("", 8080)
LARGEST_BYTES = 1_000_000
_LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not to listen
_OK = 200


def ask(address: Address, *, live: bool, timeout_s: float) -> tuple[bool, str]:
    """Return whether the worker is alive, or ready, and a line that tells it.

    Args:
        address: where the worker listens; every address of this machine stands for the loopback.
        live: ask whether it is alive, not whether it is ready.
        timeout_s: how long each step of the connection may take.
    """
    host = _LOOPBACK.get(address.host, address.host)
    connection = http.client.HTTPConnection(host, address.port, timeout=timeout_s)
    try:
        connection.request("GET", "/healthz" if live else "/readyz", headers={"Host": "localhost"})
        answer = connection.getresponse()
        body = answer.read(LARGEST_BYTES)
    except TimeoutError:
        return False, f"no answer: {_where(address)} is silent for {timeout_s:g} s"
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        return False, f"no answer: {_where(address)}: {_text(error)}"
    finally:
        connection.close()
    status, reason = _told(body)
    is_well = answer.status == _OK
    if status is None:
        return False, f"{_where(address)} is not the port of a worker (status {answer.status})"
    if is_well:
        return True, "alive" if live else "ready"
    return False, f"{status}: {reason}"


def _told(body: bytes) -> tuple[str | None, str]:
    """Return the status and the reason of an answer; None and nothing if it is none of a worker."""
    try:
        found = json.loads(body)
        status, reason = found["status"], found.get("reason", "")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None, ""
    return shown(str(status), LONGEST_ERROR), shown(str(reason), LONGEST_ERROR)


def _where(address: Address) -> str:
    host = f"[{address.host}]" if ":" in address.host else address.host
    return shown(f"{host}:{address.port}")


def _text(error: Exception) -> str:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return shown(reason.lower() or type(error).__name__, LONGEST_ERROR)
