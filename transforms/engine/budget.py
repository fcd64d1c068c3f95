"""Whether one more run is within a budget. Days and months are those of UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from governance.engine.pipeline_policies import Budget

_LOOK_AGAIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Spent:
    """What the runs of a pipeline have taken so far."""

    tokens: int = 0
    """Of all runs that are done."""
    bytes_today: int = 0
    """Of input, of the runs that began today."""
    runs_today: int = 0
    money_this_month: float = 0.0
    """Of the runs that were done this month."""
    under_way: bool = False
    """Whether a run has begun whose tokens and money are not known yet."""


@dataclass(frozen=True, slots=True)
class Beyond:
    """Why a run has to wait, and until when."""

    limit: str
    told: str
    until: datetime


def day_of(now: datetime) -> datetime:
    """Return when the day of `now` began."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def month_of(now: datetime) -> datetime:
    return day_of(now).replace(day=1)


def beyond(budget: Budget, spent: Spent, bytes_needed: int, now: datetime) -> Beyond | None:
    """Return what stands in the way of a run over `bytes_needed` of input; None when it may begin.

    Bytes are known before a run, so they stay within the limit. Tokens and money are known after
    it: where they are limited one run begins after the other, nothing begins once they are used up,
    and the last run alone may have passed the limit.
    """
    tomorrow = day_of(now) + timedelta(days=1)
    next_month = month_of(month_of(now) + timedelta(days=32))
    if budget.tokens is not None and spent.tokens >= budget.tokens:
        told = f"{spent.tokens} of {budget.tokens} tokens are made; raise the budget to go on."
        return Beyond("tokens", told, tomorrow)
    if budget.money_per_month is not None and spent.money_this_month >= budget.money_per_month:
        used, limit = spent.money_this_month, budget.money_per_month
        return Beyond("money_per_month", f"{used:g} of {limit:g} are spent this month.", next_month)
    known_after = "money_per_month" if budget.tokens is None else "tokens"
    if spent.under_way and (budget.tokens, budget.money_per_month) != (None, None):
        told = "another run is under way, and what it takes is known when it is done."
        return Beyond(known_after, told, now + _LOOK_AGAIN)
    if budget.runs_per_day is not None and spent.runs_today >= budget.runs_per_day:
        told = f"{spent.runs_today} of {budget.runs_per_day} runs have begun today."
        return Beyond("runs_per_day", told, tomorrow)
    if budget.bytes_per_day is None or spent.bytes_today + bytes_needed <= budget.bytes_per_day:
        return None
    if bytes_needed > budget.bytes_per_day:
        told = (
            f"It reads {bytes_needed} bytes, and {budget.bytes_per_day} are allowed a day; raise "
            "the budget, or have a person run it."
        )
    else:
        told = (
            f"It reads {bytes_needed} bytes, and {spent.bytes_today} of {budget.bytes_per_day} "
            "are used up today."
        )
    return Beyond("bytes_per_day", told, tomorrow)
