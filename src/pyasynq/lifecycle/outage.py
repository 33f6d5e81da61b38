"""Logs a trouble when it begins and when it is over, however often it is met in between."""

import logging

from pyasynq.errors import RedisUnavailableError


class Outage:
    """Logs once that something waits for Redis, and once that it goes on.

    However many calls fail in between, a line is written only when the kind of trouble changes:
    a WARNING while Redis cannot be reached, an ERROR while it refuses.

    Args:
        waits: what cannot be done, such as "fetching waits".
        goes_on: what is done again, such as "fetching goes on".
    """

    def __init__(self, log: logging.Logger, waits: str, goes_on: str) -> None:
        self._log = log
        self._waits = waits
        self._goes_on = goes_on
        self._kinds: dict[str, type[BaseException]] = {}

    @property
    def is_on(self) -> bool:
        """Whether something waits; in any thread."""
        return bool(self._kinds)

    def begins(self, error: BaseException, where: str = "") -> None:
        """Log *error*, if it is new; *where* separates troubles that come and go by themselves."""
        if self._kinds.get(where) is type(error):
            return
        self._kinds[where] = type(error)
        level = logging.WARNING if isinstance(error, RedisUnavailableError) else logging.ERROR
        self._log.log(level, "%s%s: %s", self._waits, where and f" ({where})", error)

    def ends(self, where: str = "") -> None:
        """Log that it works again, if it did not."""
        if self._kinds and self._kinds.pop(where, None) is not None:
            self._log.info("redis answers again; %s%s", self._goes_on, where and f" ({where})")


class LoggedOnce:
    """Logs a trouble of one thing, such as a queue, until another one replaces it.

    Args:
        message: of the log line, with %s for each thing named and for the trouble:
            "cannot fetch tasks of queue %s: %s".
    """

    def __init__(self, log: logging.Logger, message: str) -> None:
        self._log = log
        self._message = message
        self._troubles: dict[tuple[str, ...], str] = {}

    def begins(self, trouble: object, *about: str) -> None:
        """Log *trouble* of what *about* names as an ERROR, unless it is logged already."""
        text = str(trouble)
        if self._troubles.get(about) != text:
            self._troubles[about] = text
            self._log.error(self._message, *about, text)

    def ends(self, *about: str) -> None:
        """Forget the trouble of what *about* names: the next one is logged again."""
        if self._troubles:
            self._troubles.pop(about, None)
