"""The clock rings for tasks that the worker has, and loads nothing of what they do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from config.celery import app
from config.env import REPOSITORY
from config.queue import QUEUE

HEAVY = ("django.db.models", "governance.models", "movement.tasks", "pyarrow", "rest_framework")


def test_everything_it_rings_for_is_there() -> None:
    app.loader.import_default_modules()
    rung = {entry["task"] for entry in QUEUE["beat_schedule"].values()}
    assert rung - set(app.tasks) == set()


def test_it_starts_without_django(tmp_path: Path) -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from config.clock import app; app.loader.init_worker(); app.finalize(); "
            f"print(*(name for name in {HEAVY!r} if name in sys.modules), app.conf.broker_url)",
        ],
        cwd=REPOSITORY,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "FAIRMESH_HOME": str(tmp_path),
            "REDIS_URL": "redis://127.0.0.1:1/0",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["redis://127.0.0.1:1/0"]
