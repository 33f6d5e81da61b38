"""The version of pyasynq."""

__version__ = "0.1.0.dev0"
