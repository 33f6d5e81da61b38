"""The Lua scripts, one file per operation.

Each file begins with a header: Purpose, KEYS, ARGV, Returns, Memory full (allowed or refused) and
Repeat. The header of a script that changes nothing in Redis has a line ``-- Writes: nothing``; a
line ``-- Uses: name`` inserts the functions of ``fragments/name.lua`` before the script.
"""

import re
from functools import cache
from importlib.resources import files

from pyasynq.broker.operation import Script

_USES = re.compile(r"^-- Uses: (.+)$", re.MULTILINE)


@cache
def load(name: str) -> Script:
    """Return the script in ``<name>.lua``, fragments included."""
    folder = files(__name__)
    source = folder.joinpath(f"{name}.lua").read_text("utf-8")
    parts = [
        folder.joinpath("fragments", f"{fragment.strip()}.lua").read_text("utf-8")
        for line in _USES.findall(source)
        for fragment in line.split(",")
    ]
    return Script.of(name, "".join([*parts, source]))
