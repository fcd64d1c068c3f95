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
        holder = home.holder()
        if holder is None:
            self.stdout.write(f"Nothing runs in {env.home}.")
            return
        with contextlib.suppress(ProcessLookupError):  # it was killed; its watchdog ends the rest
            os.kill(holder, signal.SIGTERM)
        end = time.monotonic() + _WAIT_SECONDS
        while home.holder() is not None:
            if time.monotonic() > end:
                raise CommandError(f"The platform in {env.home} has not ended yet.")
            time.sleep(0.2)
        self.stdout.write("Fairmesh has ended.")
