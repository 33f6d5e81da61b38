"""The file of users of ``pyasynq web``: a line for each, ``name:hash`` or ``name:hash:role``."""

from dataclasses import dataclass
from pathlib import Path

from pyasynq.errors import ConfigError
from pyasynq.web.access.passwords import read_hash
from pyasynq.web.access.roles import ROLE_NAMES, RoleName


@dataclass(frozen=True, slots=True, kw_only=True)
class Users:
    """Users by name.

    Attributes:
        hashes: of their passwords.
        roles: what they may do; those without a role of their own are absent.
    """

    hashes: dict[str, str]
    roles: dict[str, RoleName]


def read_users(path: str) -> Users:
    """Return the users in a file; empty lines and those that begin with # do not count.

    Raises:
        ConfigError: names every line that is wrong, but not what stands there.
    """
    try:
        text = Path(path).read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"the file of users {path!r} is not UTF-8 text") from None
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(f"the file of users {path!r} cannot be read: {reason}") from error
    users = Users(hashes={}, roles={})
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    named = [(number, line) for number, line in lines if line and not line.startswith("#")]
    faults = [
        f"{fault} in line {number} of {path!r}"
        for number, line in named
        if (fault := _take(line, users))
    ]
    if not named:
        faults.append(f"there is no user in {path!r}; `pyasynq web --hash-password` makes a line")
    ConfigError.raise_if(faults)
    return users


def _take(line: str, users: Users) -> str | None:
    """Add the user of a line; return what is wrong with it."""
    name, *rest = line.split(":")
    if not name or len(rest) not in (1, 2):
        return "write name:hash or name:hash:role"
    if name in users.hashes:
        return f"user {name!r} is named twice"
    if read_hash(rest[0]) is None:
        return f"the password of {name!r} is not a hash of `pyasynq web --hash-password`"
    role = next((each for each in ROLE_NAMES if rest[1:] == [each]), None)
    if rest[1:] and role is None:
        return f"the role of {name!r} must be one of {', '.join(ROLE_NAMES)}"
    users.hashes[name] = rest[0]
    if role is not None:
        users.roles[name] = role
    return None
