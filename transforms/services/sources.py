"""What a pipeline reads: the products that its document names, and the versions of them."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.models import Product, Version
from catalog.selectors import product_for, version_of
from core.canonical import canonical_digest
from core.names import VERSION
from governance.engine.entities import Action, Principal, Situation
from transforms.engine.spec import Input, Spec, read_spec
from transforms.models import Pipeline, Run


def admitted_sources(actor: Principal, spec: Spec, situation: Situation) -> tuple[Product, ...]:
    """Return the products that a document reads, in its order; raise unless the actor may."""
    found: dict[str, Product] = {}
    for each in spec.inputs:
        if each.name not in found:
            found[each.name] = product_for(actor, Action.TRANSFORM, each.name, situation)
    return tuple(found[each.name] for each in spec.inputs)


def sources_of(pipeline: Pipeline) -> tuple[Product, ...]:
    """Return the products that a pipeline reads, in the order of its document.

    It need not be saved: the document says them.
    """
    names = [each["name"] for each in pipeline.spec["inputs"][1:]]
    if not names:
        return (pipeline.source,)
    rows = Product.objects.select_related("domain__team").filter(name__in=names)
    found = {each.name: each for each in rows}
    return (pipeline.source, *(found[name] for name in names))


def input_version(wanted: Input, source: Product) -> Version:
    """Return the published version that a document names now; raise NotFound or Gone."""
    number = VERSION.fullmatch(wanted.version)
    if number is not None:
        return version_of(source, int(number[1]))
    return version_of(source, None, wanted.version)


def versions_now(pipeline: Pipeline, first: Version | None = None) -> tuple[Version, ...]:
    """Return the versions that a run would read now, the first one as given if it is.

    Raises NotFound or Gone for an input without a version to read.
    """
    spec, sources = read_spec(pipeline.spec), sources_of(pipeline)
    further = zip(spec.further, sources[1:], strict=True)
    return (
        first or input_version(spec.input, sources[0]),
        *(input_version(wanted, source) for wanted, source in further),
    )


def versions_of(run: Run) -> tuple[Version, ...]:
    """Return the versions that a run reads, in the order of its document."""
    if not run.further_key:
        return (run.input_version,)
    return (run.input_version, *(each.version for each in run.further.all()))


def key_of(further: Sequence[Version]) -> str:
    """Return what tells runs over the same first version apart; empty where there is no other."""
    return canonical_digest([str(each.pk) for each in further]) if further else ""
