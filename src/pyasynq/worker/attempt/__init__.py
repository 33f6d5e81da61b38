"""One attempt to run a task, as data; pure."""
