"""The composition is an app, so that its commands (`up`, `bootstrap`) are found."""

from django.apps import AppConfig

from config.celery import app as celery_app


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Fairmesh"
    celery = celery_app
