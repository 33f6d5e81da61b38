"""Runs code in a fork, as servers do that load an application and then fork."""

import os
import warnings
from collections.abc import Callable


def in_fork(work: Callable[[], object]) -> bool:
    """Run *work* in a fork; return whether it ended without an exception."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12: fork beside threads
        pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0
