"""Measures pyasynq beside Go Asynq and other Python queues; README.md tells how."""
