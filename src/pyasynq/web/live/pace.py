"""How often and how long."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often and how long things are done, in seconds.

    Attributes:
        poll_s: between two readings while somebody listens.
        most_share: of the time that readings may take; one that is slow is made less often.
        patience_s: for how long an answer of Redis is waited for.
        recent_s: whoever begins to listen is told what changed since then, so that nothing is
            missed between a page and its stream.
        heartbeat_s: between two signs of life on a stream on which nothing happens.
        longest_s: about how long a stream lasts; then the browser asks again, and whether it may.
        send_s: for how long a listener that takes nothing is waited for.
        sampling_s: for how long samples are taken after somebody has last looked at a page.
        most_listeners: how many streams there are at most.
        most_measured: how many queues are measured with each sample.
    """

    poll_s: float = 2.0
    most_share: float = 0.1
    patience_s: float = 4.0
    recent_s: float = 10.0
    heartbeat_s: float = 15.0
    longest_s: float = 60.0
    send_s: float = 20.0
    sampling_s: float = 3600.0
    most_listeners: int = 200
    most_measured: int = 5
