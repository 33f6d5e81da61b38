"""The worker server: fetches tasks, runs their handlers, writes their outcomes."""
