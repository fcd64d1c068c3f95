"""`manage.py up`: the whole platform in one process tree, until Ctrl-C."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.env import env
from config.runtime.home import AlreadyRunning, Home
from config.runtime.platform import Platform
from config.runtime.supervisor import StartFailed


class Command(BaseCommand):
    """Exits 0 when it was asked to end, 1 when it could not start or another one runs."""

    help = "Start the whole platform: database, broker, stores, web server, worker and beat."
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        platform = Platform(env, self._say)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: platform.ask_stop())
        try:
            platform.run()
        except AlreadyRunning as error:
            raise CommandError(_what_runs()) from error
        except (StartFailed, OSError) as error:
            raise CommandError(str(error)) from error

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _what_runs() -> str:
    told = Home(env.home).what_runs()
    if told is None:
        return f"A platform is starting or ending in {env.home}; try again in a moment."
    processes = ", ".join(f"{name} {pid}" for name, pid in told["processes"].items())
    return (
        f"Fairmesh is already up at {told['url']} since {told['started_at']} "
        f"(pid {told['pid']}; {processes}). Its state is in {env.home}. "
        "To end it: python manage.py down"
    )
