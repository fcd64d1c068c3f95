"""The collector is off while a process imports, and on from then: in each kind of process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.env import REPOSITORY

STARTS = {
    "web": "import config.wsgi",
    "worker": "from config.celery import app; app.loader.init_worker(); app.finalize()",
    "command": "import django; django.setup()",
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS.keys())
def test_from_when_everything_is_imported(start: str, tmp_path: Path) -> None:
    asked = f"{start}; import gc; print(gc.isenabled(), gc.get_freeze_count() > 100_000)"
    own = {"DJANGO_SETTINGS_MODULE": "config.settings", "FAIRMESH_HOME": str(tmp_path)}
    told = subprocess.run(
        [sys.executable, "-c", asked],
        cwd=REPOSITORY,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["True", "True"]
