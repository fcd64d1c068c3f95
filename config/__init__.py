"""Composition: settings, addresses, the Celery application. Nothing imports this package."""
