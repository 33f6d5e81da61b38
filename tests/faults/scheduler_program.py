"""A scheduler to be killed or stopped, with an entry for each policy about ticks that are over.

python scheduler_program.py URL QUEUE
"""

import logging
import sys

from pyasynq.scheduler.scheduler import Scheduler
from pyasynq.task import Task

if __name__ == "__main__":
    url, queue = sys.argv[1:]
    logging.basicConfig(level="INFO", format="%(process)d %(levelname)s %(message)s")
    scheduler = Scheduler(url, name="shop")
    for missed in ("all", "once"):
        scheduler.register("@every 1s", Task(missed), key=missed, missed=missed, queue=queue)
    scheduler.run()
