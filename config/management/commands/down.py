"""`manage.py down`: end the platform that `up` started, and wait until it has ended."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.env import env
from config.runtime.home import Home

_WAIT_SECONDS = 40.0


class Command(BaseCommand):
    """Exits 0 when nothing runs any more."""

    help = "End the platform that `up` started."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        home = Home(env.home)
        told = home.what_runs()
        if not home.is_locked():
            self.stdout.write(f"Nothing runs in {env.home}.")
            return
        if told is not None:
            # The lock is held, so the one who wrote this is there, or its watchdog is ending
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(told["pid"]), signal.SIGTERM)
        end = time.monotonic() + _WAIT_SECONDS
        while home.is_locked():
            if time.monotonic() > end:
                raise CommandError(f"The platform in {env.home} has not ended yet.")
            time.sleep(0.2)
        self.stdout.write("Fairmesh has ended.")
