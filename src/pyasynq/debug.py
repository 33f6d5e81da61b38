"""Whether this process, and those that it starts, show tracebacks in full."""

import os

DEBUG_VARIABLE = "PYASYNQ_DEBUG"
_NO = ("", "0", "false", "f", "no", "n", "off")  # what click takes for no


def is_debug() -> bool:
    """Whether PYASYNQ_DEBUG or ``--debug`` asks for the frames of pyasynq in tracebacks, too."""
    return os.environ.get(DEBUG_VARIABLE, "").strip().lower() not in _NO
