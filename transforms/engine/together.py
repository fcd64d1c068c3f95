"""Several inputs together: the schema of all rows, and what steps know of those they look up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa

from transforms.engine.barriers.joining import Beside
from transforms.engine.operators.join import Join
from transforms.engine.problems import Problem, refuse
from transforms.engine.spec import Spec


def bound(spec: Spec, inputs: Sequence[pa.Schema]) -> Spec:
    """Return the pipeline with what its steps have to know of the inputs that they look up."""
    found = {
        each.alias: Beside(number, marked(schema, each.mark), tuple(each.mark or ()))
        for number, (each, schema) in enumerate(zip(spec.inputs, inputs, strict=True))
    }
    steps = tuple(
        replace(step, beside=found[step.input]) if isinstance(step, Join) else step
        for step in spec.steps
    )
    return replace(spec, steps=steps)


def rows_together(spec: Spec, inputs: Sequence[pa.Schema]) -> pa.Schema:
    """Return the schema that holds the rows of all inputs but those that steps look up.

    A column that an input lacks is null in its rows. Raises InvalidSpec where types do not fit.
    """
    problems: list[Problem] = []
    for number, (each, schema) in enumerate(zip(spec.inputs, inputs, strict=True)):
        for name in each.mark or {}:
            if name in schema.names:
                message = f"The input has a column {name!r} already."
                problems.append(Problem(f"inputs[{number}].mark.{name}", message))
    if problems:
        raise refuse(problems)
    whole = marked(inputs[0], spec.input.mark)  # the first is never looked up
    for number, (each, schema) in enumerate(zip(spec.further, inputs[1:], strict=True), 1):
        if number in spec.joined:
            continue
        both = [whole, marked(schema, each.mark)]
        try:
            whole = pa.unify_schemas(both, promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            message = f"Its columns do not fit those of the inputs before ({error}); declare them."
            raise refuse([Problem(f"inputs[{number}].schema", message)]) from error
    return whole


def marked(schema: pa.Schema, marks: Mapping[str, str] | None) -> pa.Schema:
    """Return the schema of an input's rows with the columns that mark them."""
    for name in marks or {}:
        schema = schema.append(pa.field(name, pa.string()))
    return schema
