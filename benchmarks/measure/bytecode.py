"""Compiles pyasynq before it is measured, as pip does when it installs it."""

import compileall
from pathlib import Path

import pyasynq


def compile_package() -> None:
    """Write the bytecode that is missing or old; else each process would compile for itself."""
    compileall.compile_dir(Path(pyasynq.__file__).parent, quiet=1)
