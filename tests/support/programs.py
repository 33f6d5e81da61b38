"""Programs that tests need, and where they are."""

import os
import shutil

import pytest

INSTALL = {
    "redis-server": "install redis-server (apt install redis-server, brew install redis)",
    "go": "install Go 1.24 or newer",
    "openssl": "install openssl",
    "unshare": "install util-linux",
    "nutcracker": "install nutcracker (apt install nutcracker)",
    "chromium": "install Chromium (apt install chromium, brew install --cask chromium)",
}
OTHER_NAMES = {"chromium": ("chromium-browser", "google-chrome", "google-chrome-stable")}


def found(program: str) -> str:
    """Return the path of a program; without it the test is skipped, in CI it fails."""
    path = path_of_program(program)
    if path is None:
        report = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        report(f"{program} is absent: {INSTALL[program]}")
    return str(path)


def path_of_program(program: str) -> str | None:
    """Return where a program is, under any of its names; None if it is absent."""
    names = (program, *OTHER_NAMES.get(program, ()))
    return next(filter(None, map(shutil.which, names)), None)
