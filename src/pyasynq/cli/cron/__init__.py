"""The verbs of ``pyasynq cron``."""
