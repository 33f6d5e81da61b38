"""A Django project whose view enqueues a task; the task and its test use the models as usual.

../../.venv/bin/python manage.py migrate --run-syncdb    makes the tables
../../.venv/bin/python manage.py pyasynq dev             runs the tasks, on a Redis of its own
../../.venv/bin/python manage.py runserver               serves; then, in another terminal:
curl --data item=tea localhost:8000/orders
../../.venv/bin/python manage.py test                    needs no worker and no Redis
"""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    execute_from_command_line(sys.argv)
