"""What is the same on every page of one web UI."""

from dataclasses import dataclass, field

from pyasynq.web.formatting import Formatters


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a page shows besides the data, and besides what its visitor prefers.

    Attributes:
        title: the name of the web UI.
        badge: what it is the web UI of, such as "production"; empty for nothing.
        formatters: how payloads and results are shown.
        enqueue_enabled: whether tasks can be enqueued here.
    """

    title: str = "pyasynq"
    badge: str = ""
    formatters: Formatters = field(default_factory=Formatters)
    enqueue_enabled: bool = False
