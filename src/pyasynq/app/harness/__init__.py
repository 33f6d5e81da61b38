"""What `App.testing` is made of: a private Redis, a clock of its own, tasks run on demand."""
