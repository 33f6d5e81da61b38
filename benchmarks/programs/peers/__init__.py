"""Other Python queues, as programs to measure; each runs in an environment of its own.

Each is set up for speed, as its users would do it: one process, the log quiet, no results kept,
tasks acknowledged after they ran where the queue can do so. What differs from its defaults is described
at the top of each file.
"""
