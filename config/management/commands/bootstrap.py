"""`manage.py bootstrap`: what a new mesh begins with. `up` does it too; safe to repeat."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from config.env import env
from config.runtime.bootstrap import ensure_operator, ensure_policy_set, ensure_stores
from config.runtime.home import Home
from config.runtime.weed import known_servers


class Command(BaseCommand):
    """Creates the first operator, and registers embedded stores where they run."""

    help = "Create the first operator; its password is written to FAIRMESH_HOME/admin-password."

    def handle(self, *args: Any, **options: Any) -> None:
        home = Home(env.home)
        home.make()
        ensure_operator(home)
        ensure_policy_set()
        if env.embedded_stores:
            ensure_stores(known_servers(home))
        self.stdout.write(f"The operator's password is in {home.password}")
