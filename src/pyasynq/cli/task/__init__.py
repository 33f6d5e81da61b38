"""The verbs of ``pyasynq task``."""
