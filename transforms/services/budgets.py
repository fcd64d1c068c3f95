"""What policies let their runs take, and what those runs have taken already."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db.models import BigIntegerField, F, QuerySet, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone

from catalog.selectors import product_resource
from core.errors import FairmeshError, PolicyDenied
from governance.engine.pipeline_policies import Budget, merged_budget
from governance.selectors import pipelines_for
from movement.engine.costs import requests_for, storage_cost
from movement.engine.mesh import SiteView, StoreView
from movement.models import Store
from transforms.engine.budget import Spent, beyond, day_of, month_of
from transforms.engine.spec import read_spec
from transforms.engine.statistics import statistics
from transforms.models import RUN_ACTIVE, Pipeline, Run, RunState
from transforms.services.sources import versions_of


class BudgetUsedUp(FairmeshError):
    """A run that a policy asked for is beyond the policies' budget for now; it waits by itself.

    `extra["until"]` says for how long (ISO 8601), `extra["limit"]` which limit it is.
    """

    code = "budget_used_up"
    title = "The budget of the policies is used up"
    status = 409


def require_budget(run: Run, bytes_needed: int) -> None:
    """Raise BudgetUsedUp unless a run that a policy asked for may begin now.

    Raises PolicyDenied when the policy asks for it no more. Call it in the transaction in which
    the run begins: the runs of a pipeline pass here one by one, so no two take the same rest.
    """
    if not run.policy:
        return
    pipeline = Pipeline.objects.select_for_update(of=("self",)).get(pk=run.pipeline_id)
    source = product_resource(run.input_version.product)
    asked = [
        each for each in pipelines_for(source.name, source.labels) if each.pipeline == pipeline.name
    ]
    if run.policy not in {each.policy for each in asked}:
        raise PolicyDenied(
            f"The policy {run.policy}, which asked for this run, asks for it no more.",
            policies=[run.policy],
        )
    budget, now = merged_budget(asked), timezone.now()
    found = beyond(budget, spent(pipeline, budget, now), bytes_needed, now)
    if found is not None:
        raise BudgetUsedUp(
            f"The budget of {pipeline.name} is used up: {found.told}",
            limit=found.limit,
            until=found.until.isoformat(),
        )


def spent(pipeline: Pipeline, budget: Budget, now: datetime) -> Spent:
    """Return what policies' runs of a pipeline have taken, of what the budget limits.

    What people run is not counted, and neither is a run that found its result there already.
    """
    begun = Run.objects.filter(pipeline=pipeline, plan__isnull=False).exclude(policy="")
    done = begun.filter(state=RunState.DONE)
    today = list(
        begun.filter(started_at__gte=day_of(now))
        .annotate(further_bytes=Coalesce(Sum("further__version__bytes"), 0))
        .values_list("report", F("input_version__bytes") + F("further_bytes"))
    )
    return Spent(
        tokens=0 if budget.tokens is None else _tokens(done),
        bytes_today=sum(_bytes_read(report, whole) for report, whole in today),
        runs_today=len(today),
        money_this_month=0.0 if budget.money_per_month is None else _money(done, now),
        under_way=begun.filter(state__in=RUN_ACTIVE).exists(),
    )


def _bytes_read(report: dict[str, int] | None, whole: int) -> int:
    """Return the input that a run works through; what it took from an earlier run is not."""
    return whole if report is None else report["bytes_in"] - report.get("bytes_reused", 0)


def _tokens(done: QuerySet[Run]) -> int:
    counted = Cast(KT("report__counts__tokens"), BigIntegerField())
    found: int | None = done.aggregate(tokens=Sum(counted))["tokens"]
    return found or 0


def _money(done: QuerySet[Run], now: datetime) -> float:
    """Return the price of the runs done this month: work, requests, a month of their results.

    By the price of a core and those of the store in which the result lies; what crossed a link on
    the way is not in.
    """
    priced = {store.name: _priced(store) for store in Store.objects.select_related("site")}
    runs = done.filter(finished_at__gte=month_of(now), home__in=priced)
    return sum(
        _price(priced[run.home], run)
        for run in runs.select_related("input_version", "output_version")
        .prefetch_related("further__version")
        .defer("plan")
    )


def price_of(run: Run) -> float | None:
    """Return the price of a run that is done; None where nothing of it has a price."""
    store = Store.objects.select_related("site").filter(name=run.home).first()
    return None if store is None else _price(_priced(store), run) or None


def _price(store: StoreView, run: Run) -> float:
    made = run.output_version
    if made is None:
        return 0.0
    puts = store.cost_1000_puts * requests_for(made.files, made.bytes) / 1000
    asked = sum(requests_for(each.files, each.bytes) for each in versions_of(run))
    gets = store.cost_1000_gets * asked / 1000
    return storage_cost(store, made.bytes, 1.0) + puts + gets + _work(run)


def _work(run: Run) -> float:
    hour_price = settings.FAIRMESH.core_hour_price
    if hour_price is None or run.report is None:
        return 0.0
    return statistics(read_spec(run.spec), run.report, hour_price).cost or 0.0


def _priced(store: Store) -> StoreView:
    return StoreView(
        store.name,
        SiteView(store.site.name),
        cost_gb_month=float(store.cost_gb_month),
        cost_1000_puts=float(store.cost_1000_puts),
        cost_1000_gets=float(store.cost_1000_gets),
    )
