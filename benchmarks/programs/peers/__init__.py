"""Other Python queues, as programs to measure; each runs in an environment of its own.

Each is set up for speed, as its users would do it: one process, the log quiet, no results kept,
tasks acknowledged after they ran where the queue can do so. The top of each file describes what
differs from the defaults of the queue.
"""
