"""The composition is an app, so that its commands (`up`, `bootstrap`) are found."""

import gc

from django.apps import AppConfig

from config import checks as _checks  # noqa: F401  # importing registers them
from config.celery import app as celery_app


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Fairmesh"
    celery = celery_app

    def ready(self) -> None:
        """Turn the collector on, which the settings turned off, to pass over what is there."""
        gc.freeze()
        gc.enable()
