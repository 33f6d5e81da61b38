"""A pytest plugin that takes one component out of every server: `--without-component Janitor`."""

from dataclasses import replace

import pytest

from pyasynq.worker.server import Parts, Server


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--without-component", required=True)


def pytest_configure(config: pytest.Config) -> None:
    name, assemble = config.getoption("--without-component"), Server._assemble

    def assemble_without(self: Server, *args: object) -> Parts:
        parts = assemble(self, *args)
        left = tuple(each for each in parts.components if type(each).__name__ != name)
        assert len(left) == len(parts.components) - 1, f"there is no component {name}"
        return replace(parts, components=left)

    Server._assemble = assemble_without
