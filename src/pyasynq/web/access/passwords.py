"""Passwords as they are kept in settings: scrypt$N$r$p$salt$hash, the last two in Base64."""

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass
from hashlib import scrypt

from pyasynq.errors import ConfigError

NAME = "scrypt"
COST, BLOCK, LANES = 2**14, 8, 1  # 16 MB and about 50 ms for each check
MOST_COST, MOST_BLOCK, MOST_LANES = 2**20, 32, 16
SALT_BYTES, HASH_BYTES = 16, 32
MOST_BYTES = 1024  # of a password
MOST_MEMORY = 2**31 - 1


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """A hash that a password is compared with."""

    cost: int
    block: int
    lanes: int
    salt: bytes
    digest: bytes

    def fits(self, password: str) -> bool:
        """Return whether this is the password; takes as long whether it is or not."""
        data = password.encode("utf-8", "surrogatepass")
        if len(data) > MOST_BYTES:
            return False
        return hmac.compare_digest(self.digest_of(data), self.digest)

    def digest_of(self, data: bytes) -> bytes:
        """Return the digest of the bytes of a password."""
        return scrypt(
            data,
            salt=self.salt,
            n=self.cost,
            r=self.block,
            p=self.lanes,
            maxmem=MOST_MEMORY,
            dklen=HASH_BYTES,
        )


def hash_password(password: str) -> str:
    """Return *password* as settings keep it: nobody can tell the password from that.

    Raises:
        ConfigError: it is empty, not text, or has more than 1,024 bytes.
    """
    given: object = password
    if not isinstance(given, str) or not given:
        raise ConfigError("a password must be text that is not empty")
    data = password.encode("utf-8", "surrogatepass")
    if len(data) > MOST_BYTES:
        raise ConfigError(f"a password must have at most {MOST_BYTES:,} bytes")
    salt = secrets.token_bytes(SALT_BYTES)
    digest = PasswordHash(COST, BLOCK, LANES, salt, b"").digest_of(data)
    return f"{NAME}${COST}${BLOCK}${LANES}${_in_base64(salt)}${_in_base64(digest)}"


def read_hash(text: object) -> PasswordHash | None:
    """Return the hash that `hash_password` has written; None if it is none."""
    parts = text.split("$") if isinstance(text, str) else []
    if len(parts) != 6 or parts[0] != NAME:  # noqa: PLR2004 - see the top of this file
        return None
    try:
        cost, block, lanes = (int(part) for part in parts[1:4])
        salt, digest = (base64.b64decode(part, validate=True) for part in parts[4:])
    except (ValueError, binascii.Error):
        return None
    is_usable = (
        1 < cost <= MOST_COST
        and cost & (cost - 1) == 0
        and 0 < block <= MOST_BLOCK
        and 0 < lanes <= MOST_LANES
        and len(salt) >= SALT_BYTES // 2
        and len(digest) == HASH_BYTES
    )
    return PasswordHash(cost, block, lanes, salt, digest) if is_usable else None


def _in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
