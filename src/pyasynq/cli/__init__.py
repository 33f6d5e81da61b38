"""The command line: ``pyasynq``."""
