"""How the log lines of commands look."""

LOG_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
