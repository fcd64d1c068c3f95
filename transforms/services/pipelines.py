"""Pipelines: saved, explained, and tried on a few rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction

from catalog.models import Product, Version
from catalog.selectors import product_for, product_resource
from core.errors import Conflict, InvalidSpec, NotFound, StoreUnavailable
from governance import audit
from governance.engine.entities import Action, Decision, Principal, Situation
from governance.models import Label
from governance.selectors import labels_of
from governance.services import decide, require
from transforms import modules, tokenizers
from transforms.engine import plan as planning
from transforms.engine import sample as sampling
from transforms.engine.plan import SHARD_BYTES, Given
from transforms.engine.problems import Problem, problems_of, refuse
from transforms.engine.sources import OpenInput
from transforms.engine.spec import Spec, digest, load, read_spec
from transforms.inputs import input_files, opener
from transforms.models import Pipeline, PipelineInput, Run
from transforms.selectors import equal_run, pipeline_for
from transforms.services.acting import require_whole_inputs
from transforms.services.estimates import Estimate, estimate
from transforms.services.sources import (
    admitted_sources,
    input_version,
    sources_of,
    versions_now,
)


@dataclass(frozen=True)
class Explained:
    """What a run would do, and who says that it may."""

    pipeline: Pipeline
    inputs: tuple[Version, ...]
    plan: planning.Plan
    decisions: tuple[tuple[Action, str, Decision], ...]
    labels: tuple[tuple[Version, Label], ...]
    """The labels of each input: the output inherits them."""
    equal: Run | None
    """The run that made the same output already."""
    estimate: Estimate


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
    administers its output. The same document again changes nothing. Where the inputs have
    published versions, the columns are checked against them, too. `purpose` is what the one who
    saves it has access to the inputs for; each run states its own.
    """
    document = load(text) if text is not None else read_spec(spec)
    read, sources, target = admit(actor, document, Situation(purpose), Action.PUBLISH)
    check_columns(read, sources)
    try:
        return _save(actor, name, read, sources, target)
    except IntegrityError as error:
        raise Conflict(f"There is a pipeline {name!r} already; choose another name.") from error


def admit(
    actor: Principal, document: Spec, situation: Situation, on_output: Action
) -> tuple[Spec, tuple[Product, ...], Product]:
    """Return a document with the code that it names, its inputs and its output.

    Raises unless the actor may use all of each input for it, and may do `on_output` to the output.
    """
    read = modules.with_code(document)
    _check_tokenizers(read)
    sources = admitted_sources(actor, read, situation)
    target = product_for(actor, on_output, read.output.name)
    if target in sources:
        raise refuse([Problem("output.name", "A pipeline cannot write into its own input.")])
    require_whole_inputs(actor, sources, situation)  # a policy may run it for who sees more
    return read, sources, target


@transaction.atomic
def _save(
    actor: Principal, name: str, spec: Spec, sources: Sequence[Product], target: Product
) -> Pipeline:
    decision = require(actor, Action.PUBLISH, product_resource(target))
    known = Pipeline.objects.select_for_update().filter(name=name).first()
    found = digest(spec, lambda tokenizer: tokenizers.resolve(tokenizer).sha256)
    if known is None:
        pipeline = Pipeline(name=name, created_by=actor.id)
    elif not _may_change(actor, known):
        raise Conflict(f"There is a pipeline {name!r} already; choose another name.")
    elif known.digest == found and (known.source, known.target) == (sources[0], target):
        return known
    else:
        pipeline = known
        pipeline.revision += 1
    pipeline.source, pipeline.target = sources[0], target
    pipeline.spec, pipeline.digest = spec.as_json(), found
    pipeline.save()
    pipeline.further.all().delete()
    PipelineInput.objects.bulk_create(
        PipelineInput(pipeline=pipeline, product=each) for each in dict.fromkeys(sources[1:])
    )
    audit.record(
        actor,
        "save-pipeline",
        target.name,
        decision,
        pipeline=name,
        revision=pipeline.revision,
        inputs=[each.name for each in sources],
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


def check_columns(spec: Spec, sources: Sequence[Product]) -> str:
    """Plan against the inputs as they are now; return why not, or nothing when that was done.

    Without published versions, or with their stores away, a run will do it.
    """
    try:
        versions = [input_version(*each) for each in zip(spec.inputs, sources, strict=True)]
        planned(spec, versions, [opener(each) for each in versions])
    except (NotFound, StoreUnavailable) as error:
        return error.detail
    return ""


def planned(spec: Spec, versions: Sequence[Version], opened: Sequence[OpenInput]) -> planning.Plan:
    """Return the plan of a pipeline over a version of each input, with what opens its files.

    Raises InvalidSpec for what cannot be.
    """
    first, *further = (
        Given(input_files(version), each) for version, each in zip(versions, opened, strict=True)
    )
    return planning.plan(
        spec, first.files, first.open_input, tokenizers.resolve, SHARD_BYTES, further=further
    )


def plan_pipeline(actor: Principal, pipeline_id: UUID, *, purpose: str = "") -> Explained:
    """Explain what a run for `purpose` would do now. Reads some of the input, writes nothing."""
    return explain(actor, pipeline_for(actor, pipeline_id), Situation(purpose))


def explain(actor: Principal, pipeline: Pipeline, situation: Situation) -> Explained:
    """Explain what a run of a pipeline would do now; it need not be saved."""
    spec, versions = _opened(actor, pipeline, situation)
    plan = planned(spec, versions, [opener(each) for each in versions])
    products = dict.fromkeys(each.product for each in versions)
    asked = [
        *((Action.TRANSFORM, product_resource(each), situation) for each in products),
        (Action.PUBLISH, product_resource(pipeline.target), Situation()),
    ]
    return Explained(
        pipeline=pipeline,
        inputs=versions,
        plan=plan,
        decisions=tuple((act, res.name, decide(actor, act, res, at)) for act, res, at in asked),
        labels=tuple(
            (each, label)
            for each in dict.fromkeys(versions)
            for label in labels_of(each.product.name)
        ),
        equal=equal_run(plan.run_digest, pipeline.target_id),
        estimate=estimate(pipeline, plan),
    )


def sample_pipeline(
    actor: Principal, pipeline_id: UUID, rows: int, *, purpose: str = ""
) -> sampling.Sample:
    """Run the first rows and show what becomes of them; for those who may read the input."""
    return try_rows(actor, pipeline_for(actor, pipeline_id), rows, Situation(purpose))


def try_rows(
    actor: Principal, pipeline: Pipeline, rows: int, situation: Situation
) -> sampling.Sample:
    """Run the first rows through a pipeline; it need not be saved. The look is audited."""
    spec, versions = _opened(actor, pipeline, situation)
    read = {
        each: require(actor, Action.READ, product_resource(each.product), situation)
        for each in dict.fromkeys(versions)
    }
    opened = [opener(each) for each in versions]
    plan = planned(spec, versions, opened)
    encoders = tokenizers.encoders(spec.tokenizers())
    found = sampling.sample(plan, opened.__getitem__, encoders, rows)
    for version, decision in read.items():
        audit.record(actor, "sample", version.name, decision, pipeline=pipeline.name, rows=rows)
    return found


def _opened(
    actor: Principal, pipeline: Pipeline, situation: Situation
) -> tuple[Spec, tuple[Version, ...]]:
    sources = sources_of(pipeline)
    for source in dict.fromkeys(sources):
        require(actor, Action.TRANSFORM, product_resource(source), situation)
    require_whole_inputs(actor, sources, situation)
    return read_spec(pipeline.spec), versions_now(pipeline)
