"""Starts fresh interpreters that run a program of this package.

The supervisor of an embedded Redis, the processes of handlers and supervised workers all start so.
A program is a module with a function `main`. It finds its modules in the standard library first and
in the current directory not at all: a user's queue.py must not replace the standard library's. A
program that runs code of the user adds the user's directories once its own imports are done.

Both ends are here: what the starter does comes first, then what the program does.
"""

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Collection, Iterator, Sequence
from importlib import import_module
from pathlib import Path

# -P leaves out the current directory, which -c would put first. This package's folder comes last:
# it may hold packages that are named like modules of the standard library.
_RUN = (
    "import sys; sys.path.append(sys.argv.pop(1)); from importlib import import_module; "
    "sys.exit(import_module(sys.argv.pop(1)).main())"
)
_FOLDER = str(Path(__file__).parents[2])


def command_of(module: str, *arguments: str) -> list[str]:
    """Return the command that calls `main` of *module* in a fresh interpreter.

    Args:
        arguments: what the program finds in ``sys.argv[1:]``. Everybody can see them.
    """
    return [sys.executable, "-P", "-c", _RUN, _FOLDER, module, *arguments]


@contextlib.contextmanager
def socket_pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Yield two connected sockets, ours and the program's, around the start of a program.

    Pass the descriptor of the second one to the program, as its first argument too; it takes it by
    `socket_of_starter`. Here it is closed at the end of the block, and ours if the block fails.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            yield ours, theirs
        except BaseException:
            ours.close()
            raise


def standard_modules() -> list[str]:
    """Return the modules of the standard library that are loaded here, for `adopt_import_path`.

    A module that a file of the user's has replaced here is not among them.
    """
    folder = os.path.join(os.path.dirname(os.__file__), "")  # noqa: PTH118, PTH120 - plain text
    return [
        name
        for name in sys.stdlib_module_names & sys.modules.keys()
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(folder)
    ]


def exit_text(code: int) -> str:
    """Describe how a process ended.

    Args:
        code: its exit code, or minus the number of the signal that ended it.

    Returns:
        Such as "ended with exit code 3" or "ended by signal 9 (SIGKILL)".
    """
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "unknown"
    return f"ended by signal {-code} ({name})"


def socket_of_starter() -> socket.socket:
    """Take the socket to the starter, whose descriptor is the first argument, off ``sys.argv``.

    No process that this one starts inherits it.
    """
    descriptor = int(sys.argv.pop(1))
    os.set_inheritable(descriptor, False)
    return socket.socket(fileno=descriptor)


def die_with_parent(number: signal.Signals) -> None:
    """Ask Linux to send this process signal *number* when its parent ends; elsewhere do nothing.

    The system forgets it when this process starts another one, but keeps it over an exec.
    """
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - most processes do not need it

        set_parent_death_signal = 1  # PR_SET_PDEATHSIG of prctl(2)
        ctypes.CDLL(None).prctl(set_parent_death_signal, number)


def adopt_import_path(path: Sequence[str], standard: Collection[str]) -> None:
    """Let this program find modules where its starter does.

    Args:
        path: ``sys.path`` of the starter.
        standard: the `standard_modules` of the starter. Files of the user's that are named like
            these, and that the starter has therefore never loaded, are not loaded here either.
    """
    for folder in path:
        if folder not in sys.path:
            for name in _modules_in(folder) & set(standard):
                import_module(name)
    sys.path[:] = path


def _modules_in(folder: str) -> set[str]:
    try:
        return {each.partition(".")[0] for each in os.listdir(folder or ".")}  # noqa: PTH208 - text
    except OSError:  # an archive, or no such folder
        return set()
