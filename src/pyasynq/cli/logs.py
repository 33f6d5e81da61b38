"""How the log lines of commands look."""

import logging

LOG_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def set_up_logging(level: str, *, is_forced: bool = False) -> None:
    """Log to stderr, unless the application, once it is loaded, has set up logging itself.

    Args:
        level: the least severe lines that are logged, such as "info".
        is_forced: somebody has asked for *level*, so it holds for the application's handlers too.
    """
    root = logging.getLogger()
    if not root.handlers:
        logging.basicConfig(level=level.upper(), format=LOG_FORMAT)
    elif is_forced:
        root.setLevel(level.upper())
