"""Demand: how often a version is asked for at a site in a day, which a cache rule looks at."""

from __future__ import annotations

import logging

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from catalog.models import Version
from movement.models import Demand, Site

logger = logging.getLogger(__name__)


def count_demand(version: Version, site: str) -> None:
    """Count one reader at a site, once they were allowed; without a known site nothing is counted.

    One small update, and an insert at a day's first reader. A count that cannot be written is lost:
    nobody is kept from reading for it.
    """
    if not site:
        return
    try:
        with transaction.atomic():
            _count(version, site)
    except DatabaseError as error:
        logger.warning("demand for %s at %s was not counted: %s", version.pk, site, error)


def _count(version: Version, site: str) -> None:
    day = timezone.now().date()
    rows = Demand.objects.filter(version=version, site__name=site, day=day)
    if rows.update(reads=F("reads") + 1):
        return
    known = Site.objects.filter(name=site).first()
    if known is None:
        return
    try:
        with transaction.atomic():
            Demand.objects.create(version=version, site=known, day=day, reads=1)
    except IntegrityError:  # another reader was the day's first a moment ago
        rows.update(reads=F("reads") + 1)
