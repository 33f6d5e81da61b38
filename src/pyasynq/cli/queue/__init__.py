"""The verbs of ``pyasynq queue``."""
