"""HTTP basic authentication: names and passwords, of which only hashes are kept."""

import asyncio
import base64
import binascii
import hmac
import math
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from time import monotonic

from starlette.requests import Request
from typing_extensions import override

from pyasynq.errors import ConfigError
from pyasynq.web.access.passwords import PasswordHash, hash_password, read_hash
from pyasynq.web.access.throttle import Throttle
from pyasynq.web.access.visitor import address_of
from pyasynq.web.refusal import Refusal

CHALLENGE = {"WWW-Authenticate": 'Basic realm="pyasynq", charset="UTF-8"'}
MOST_CHECKED = 1000  # logins that are recognised without another check of the password
MOST_AT_ONCE = 2  # checks, each of which needs a core and 16 MB
LONGEST = 4096  # characters of the header


class BasicAuth:
    """Asks for a name and a password, as browsers do.

    After five wrong passwords, an address has to wait before the next one is looked at: a second,
    then twice as long each time, up to a minute.

    Args:
        users: names, and the hashes of their passwords, as `hash_password` or
            ``pyasynq web --hash-password`` makes them.

    Raises:
        ConfigError: a name is empty or has a colon, or a hash is none.
    """

    def __init__(self, users: Mapping[str, str]) -> None:
        ConfigError.raise_if(_faults(users))
        self._hashes = {name: found for name, text in users.items() if (found := read_hash(text))}
        self._nobody: PasswordHash | None = None  # compared with the passwords of unknown names
        self._throttle = Throttle(monotonic)
        self._secret = secrets.token_bytes(32)
        self._checked: OrderedDict[bytes, None] = OrderedDict()
        self._under_way: dict[bytes, asyncio.Future[bool]] = {}
        self._pool: ThreadPoolExecutor | None = None

    @override
    def __repr__(self) -> str:
        return f"BasicAuth({sorted(self._hashes)})"

    def close(self) -> None:
        """End the threads that compare passwords; safe to repeat. A request starts others."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()

    async def __call__(self, request: Request) -> str:
        """Return the name of who sends a request.

        Raises:
            Refusal: the request has no name and password, or wrong ones, or comes too early.
        """
        name, password = _credentials(request.headers.get("authorization", ""))
        text = f"{name}\0{password}".encode("utf-8", "surrogatepass")
        mark = hmac.digest(self._secret, text, sha256)
        if mark in self._checked:
            return name
        address = address_of(request)
        is_right = await self._checked_once(mark, name, password, address)
        if not is_right:
            raise Refusal(
                401, "the name or the password is wrong", headers=CHALLENGE, key="wrong_password"
            )
        return name

    async def _checked_once(self, mark: bytes, name: str, password: str, address: str) -> bool:
        """Check a login; the same one, sent several times at once, is checked once."""
        running = self._under_way.get(mark)
        if running is not None and running.get_loop() is asyncio.get_running_loop():
            return await asyncio.shield(running)
        wait_s = self._throttle.wait_s(address)
        if wait_s > 0:
            raise Refusal(
                429,
                f"too many wrong passwords from this address; try again in {math.ceil(wait_s)} s",
                headers={"Retry-After": str(math.ceil(wait_s))},
                key="too_many_passwords",
                values={"seconds": math.ceil(wait_s)},
            )
        self._throttle.begin(address)
        loop = asyncio.get_running_loop()
        if self._pool is None:
            self._pool = ThreadPoolExecutor(MOST_AT_ONCE, "pyasynq-web-passwords")
        check = loop.run_in_executor(self._pool, self._fits, name, password)
        self._under_way[mark] = check
        try:
            is_right = await asyncio.shield(check)
        finally:
            del self._under_way[mark]
        if is_right:
            self._throttle.succeeded(address)
            self._remember(mark)
        return is_right

    def _fits(self, name: str, password: str) -> bool:
        """Return whether this is the password; an unknown name takes as long as a known one."""
        known = self._hashes.get(name)
        if known is None:
            self._nobody = self._nobody or read_hash(hash_password(secrets.token_hex(16)))
            compared = next(iter(self._hashes.values()), self._nobody)
            return compared is not None and compared.fits(password) and False
        return known.fits(password)

    def _remember(self, mark: bytes) -> None:
        self._checked[mark] = None
        while len(self._checked) > MOST_CHECKED:
            self._checked.popitem(last=False)


def _credentials(header: str) -> tuple[str, str]:
    """Return the name and the password in a header.

    Raises:
        Refusal: there are none.
    """
    scheme, _, encoded = header[:LONGEST].strip().partition(" ")
    if scheme.lower() == "basic":
        try:
            text = base64.b64decode(encoded.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            text = ""
        name, colon, password = text.partition(":")
        if colon and name:
            return name, password
    raise Refusal(401, "log in with a name and a password", headers=CHALLENGE, key="log_in")


def _faults(users: object) -> list[str | None]:
    if not isinstance(users, Mapping) or not users:
        return ["users must be a mapping of names to hashes of passwords, and not empty"]
    faults: list[str | None] = []
    for name, text in users.items():
        if not isinstance(name, str) or not name or ":" in name:
            faults.append(f"the name of a user must be text without a colon, not {name!r}")
        elif read_hash(text) is None:  # which may be a password: it must not be shown
            faults.append(
                f"the password of {name!r} must be a hash; `pyasynq web --hash-password` makes it"
            )
    return faults
