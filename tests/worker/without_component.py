"""A pytest plugin that takes one component out of every server: `--without-component Janitor`."""

import pytest

from pyasynq.worker.assembly import Parts


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--without-component", required=True)


def pytest_configure(config: pytest.Config) -> None:
    name, whole = config.getoption("--without-component"), Parts.components.fget

    def without(parts: Parts) -> tuple:
        found = whole(parts)
        left = tuple(each for each in found if type(each).__name__ != name)
        assert len(left) >= len(found) - 1, f"there is no single component {name}"
        return left

    Parts.components = property(without)
