"""Keeping what was done: attempts of tasks, and statistics of types, for servers asked to."""
