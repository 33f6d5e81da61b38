"""Runs the command line: ``python -m pyasynq``."""

from pyasynq.cli.main import main

if __name__ == "__main__":
    main()
