"""Handlers in processes of their own, which can be killed.

    worker                                       child: a fresh interpreter
    pool ── starts ──► child process ◄─ calls ──► program, main thread ── imports, calls ──► handler
                                     ◄─ channel ► program, another thread ── interrupts ──────┘

A child finds the handler by its module and name, so nothing that a user wrote is pickled: the
message, the result and the text of an error travel as bytes.
"""
