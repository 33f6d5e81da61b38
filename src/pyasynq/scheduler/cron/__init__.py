"""When periodic tasks are due: the cron syntax of Go Asynq (robfig/cron v3, standard form).

`parse` reads a spec; the `Schedule` that it returns answers when it fires. Nothing here looks at
the clock.
"""

from pyasynq.scheduler.cron.schedule import CronSchedule, EverySchedule, Schedule
from pyasynq.scheduler.cron.spec import find_zone, parse

__all__ = ["CronSchedule", "EverySchedule", "Schedule", "find_zone", "parse"]
