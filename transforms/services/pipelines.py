"""Pipelines: saved, explained, and tried on a few rows."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction

from catalog.models import Product, Version
from catalog.selectors import product_for, product_resource, version_of
from core.errors import Conflict, InvalidSpec, NotFound, StoreUnavailable
from core.names import VERSION
from governance import audit
from governance.engine.entities import Action, Decision, Principal, Situation
from governance.models import Label
from governance.selectors import labels_of
from governance.services import decide, require
from transforms import modules, tokenizers
from transforms.engine import plan as planning
from transforms.engine import sample as sampling
from transforms.engine.plan import SHARD_BYTES
from transforms.engine.problems import Problem, problems_of, refuse
from transforms.engine.sources import OpenInput
from transforms.engine.spec import Input, Spec, digest, load, read_spec
from transforms.inputs import input_files, opener
from transforms.models import Pipeline, Run
from transforms.selectors import equal_run, pipeline_for
from transforms.services.acting import require_whole_input


@dataclass(frozen=True)
class Explained:
    """What a run would do, and who says that it may."""

    pipeline: Pipeline
    input: Version
    plan: planning.Plan
    decisions: tuple[tuple[Action, str, Decision], ...]
    labels: tuple[Label, ...]
    """The labels of the input: the output inherits them."""
    equal: Run | None
    """The run that made the same output already."""


def save_pipeline(
    actor: Principal,
    *,
    name: str,
    spec: object = None,
    text: str | None = None,
    purpose: str = "",
) -> Pipeline:
    """Check a document and save it under `name`; raise InvalidSpec with every problem found.

    Another document under the same name is the next revision, for whoever made the pipeline or
    administers its output. The same document again changes nothing. Where the input has a
    published version, the columns are checked against it, too. `purpose` is what the one who
    saves it has access to the input for; each run states its own.
    """
    read = modules.with_code(load(text) if text is not None else read_spec(spec))
    _check_tokenizers(read)
    situation = Situation(purpose)
    source = product_for(actor, Action.TRANSFORM, read.input.name, situation)
    target = product_for(actor, Action.PUBLISH, read.output.name)
    if source == target:
        raise refuse([Problem("output.name", "A pipeline cannot write into its own input.")])
    require_whole_input(actor, source, situation)  # a policy may run it for who sees more
    _check_columns(read, source)
    try:
        return _save(actor, name, read, source, target)
    except IntegrityError as error:
        raise Conflict(f"There is a pipeline {name!r} already; choose another name.") from error


@transaction.atomic
def _save(actor: Principal, name: str, spec: Spec, source: Product, target: Product) -> Pipeline:
    decision = require(actor, Action.PUBLISH, product_resource(target))
    known = Pipeline.objects.select_for_update().filter(name=name).first()
    found = digest(spec, lambda tokenizer: tokenizers.resolve(tokenizer).sha256)
    if known is None:
        pipeline = Pipeline(name=name, created_by=actor.id)
    elif not _may_change(actor, known):
        raise Conflict(f"There is a pipeline {name!r} already; choose another name.")
    elif known.digest == found and (known.source, known.target) == (source, target):
        return known
    else:
        pipeline = known
        pipeline.revision += 1
    pipeline.source, pipeline.target = source, target
    pipeline.spec, pipeline.digest = spec.as_json(), found
    pipeline.save()
    audit.record(
        actor,
        "save-pipeline",
        target.name,
        decision,
        pipeline=name,
        revision=pipeline.revision,
        input=source.name,
        digest=found,
    )
    return pipeline


def _may_change(actor: Principal, known: Pipeline) -> bool:
    administers = decide(actor, Action.ADMINISTER, product_resource(known.target)).allow
    return administers or known.created_by == actor.id


def _check_tokenizers(spec: Spec) -> None:
    problems: list[Problem] = []
    for position, step in enumerate(spec.steps):
        for name in step.tokenizers():
            try:
                tokenizers.resolve(name)
            except InvalidSpec as error:
                problems += [each.below(spec.where(position)) for each in problems_of(error)]
    if problems:
        raise refuse(problems)


def _check_columns(spec: Spec, source: Product) -> None:
    """Plan against the input as it is now; without one, or with its stores away, a run will."""
    try:
        version = input_version(spec.input, source)
        planned(spec, version, opener(version))
    except (NotFound, StoreUnavailable):
        return


def input_version(wanted: Input, source: Product) -> Version:
    """Return the published version that the document names now; raise NotFound or Gone."""
    number = VERSION.fullmatch(wanted.version)
    if number is not None:
        return version_of(source, int(number[1]))
    return version_of(source, None, wanted.version)


def planned(spec: Spec, version: Version, open_input: OpenInput) -> planning.Plan:
    """Return the plan of a pipeline over a version; raise InvalidSpec for what cannot be."""
    files = input_files(version)
    return planning.plan(spec, files, open_input, tokenizers.resolve, SHARD_BYTES)


def plan_pipeline(actor: Principal, pipeline_id: UUID, *, purpose: str = "") -> Explained:
    """Explain what a run for `purpose` would do now. Reads some of the input, writes nothing."""
    situation = Situation(purpose)
    pipeline, spec, version = _opened(actor, pipeline_id, situation)
    plan = planned(spec, version, opener(version))
    asked = (
        (Action.TRANSFORM, product_resource(pipeline.source), situation),
        (Action.PUBLISH, product_resource(pipeline.target), Situation()),
    )
    return Explained(
        pipeline=pipeline,
        input=version,
        plan=plan,
        decisions=tuple((act, res.name, decide(actor, act, res, at)) for act, res, at in asked),
        labels=tuple(labels_of(pipeline.source.name)),
        equal=equal_run(plan.run_digest, pipeline.target_id),
    )


def sample_pipeline(
    actor: Principal, pipeline_id: UUID, rows: int, *, purpose: str = ""
) -> sampling.Sample:
    """Run the first rows and show what becomes of them; for those who may read the input."""
    situation = Situation(purpose)
    pipeline, spec, version = _opened(actor, pipeline_id, situation)
    decision = require(actor, Action.READ, product_resource(pipeline.source), situation)
    open_input = opener(version)
    plan = planned(spec, version, open_input)
    encoders = tokenizers.encoders(spec.tokenizers())
    found = sampling.sample(plan, open_input, encoders, rows)
    audit.record(actor, "sample", version.name, decision, pipeline=pipeline.name, rows=rows)
    return found


def _opened(
    actor: Principal, pipeline_id: UUID, situation: Situation
) -> tuple[Pipeline, Spec, Version]:
    pipeline = pipeline_for(actor, pipeline_id)
    require(actor, Action.TRANSFORM, product_resource(pipeline.source), situation)
    require_whole_input(actor, pipeline.source, situation)
    spec = read_spec(pipeline.spec)
    return pipeline, spec, input_version(spec.input, pipeline.source)
