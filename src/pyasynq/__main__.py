"""Runs the command line: ``python -m pyasynq``."""

import sys

if __name__ == "__main__":
    # Python puts the current directory first, where a queue.py would hide the standard library's.
    # A command that loads an App adds it again.
    if not sys.flags.safe_path:
        del sys.path[0]
    from pyasynq.cli.main import main

    main()
