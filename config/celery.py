"""The Celery application: the queue is a doorbell, the database rows are the truth."""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import setup_logging

from config.queue import QUEUE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Arrow reads it when it is loaded. Its usual allocator keeps a third more for the next batch.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "jemalloc")

app = Celery("fairmesh")
app.set_default()  # in every thread: without it only the one that imports this would know the app
app.conf.update(
    **QUEUE,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    worker_hijack_root_logger=False,
)
app.autodiscover_tasks(["core", "governance", "movement", "transforms"])


@setup_logging.connect
def _use_django_logging(**_: object) -> None:
    """Keep Celery from replacing the logging that the settings declare."""
