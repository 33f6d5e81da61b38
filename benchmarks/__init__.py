"""Measures pyasynq beside Go Asynq and other Python queues; see README.md."""
