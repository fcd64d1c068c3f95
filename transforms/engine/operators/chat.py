"""chat: a conversation as the text that a model is trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, cast

import jinja2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jinja2 import nodes

from core.cells import values_of
from transforms.engine.arrow import AnyField, Column, Text, text_of
from transforms.engine.chat_process import ChatProcess
from transforms.engine.chat_sandbox import environment
from transforms.engine.chat_templates import TEMPLATES, Messages, Named, conversations, forged
from transforms.engine.encoders import Encoders
from transforms.engine.operators.base import (
    Applied,
    ColumnMap,
    Operator,
    RowByRow,
    Running,
    filtered_by,
    identity,
    keep_rows,
    transformed,
)
from transforms.engine.params import rule
from transforms.engine.problems import Problem, refuse, require_column

NO_MESSAGES, NO_CONTENT, NOT_IN_TURN, CONTROL_TOKEN = (
    "chat.no_messages",
    "chat.no_content",
    "chat.not_in_turn",
    "chat.control_token",
)
_NO_TEMPLATE = (jinja2.TemplateError, SyntaxError, ValueError, RecursionError)
"""Python's own limits on what is nested and how long a number is show themselves as the latter."""
_JINJA_REASONS = ("template_error", "too_large", "not_text")


@dataclass(frozen=True)
class Chat(Operator):
    """Turn a column of messages, each with a role and a content, into one text by a template.

    `chatml` and `llama3` take any roles, `mistral` a system's message, then questions and answers
    by turns. Rows without messages or with an empty place in them are dropped, and so are, with a
    template known by name, those in which a message holds one of the template's own tokens.

    A `jinja` template sees `messages`, `add_generation_prompt` and `variables`. It runs in jinja2's
    sandbox in a process of its own: a row may take 10 seconds and 512 MB, or the run ends. A row of
    which a template would make text of what has none, as a function, is dropped as `not_text`.
    """

    NAME: ClassVar[str] = "chat"
    VERSION: ClassVar[int] = 3
    ONE_OF: ClassVar[tuple[str, ...]] = ("template", "jinja")

    column: str = field(metadata=rule("The column of messages; it is replaced."))
    template: Named | None = field(default=None, metadata=rule("A template known by name."))
    jinja: str | None = field(
        default=None, metadata=rule("A template of your own, as tokenizers carry it.")
    )
    variables: Mapping[str, str] = field(
        default_factory=dict, metadata=rule("Names for `jinja`, such as `bos_token`.")
    )
    add_generation_prompt: bool = field(
        default=False, metadata=rule("End with what asks the model for an answer.")
    )
    max_characters: int = field(
        default=10_000_000,
        metadata=rule("Longer texts of `jinja` are dropped.", minimum=1, maximum=50_000_000),
    )
    output: str = field(default="text", metadata=rule("The column of the text."))

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        problems: list[Problem] = []
        found = require_column(schema, self.column, "column")
        if not _are_messages(found):
            message = f"{self.column!r} holds {found.type}, not a list of role and content."
            problems.append(Problem("column", message))
        if self.output != self.column and self.output in schema.names:
            problems.append(Problem("output", f"There is a column {self.output!r} already."))
        if self.jinja is not None:
            problems += _wrong_in(self.jinja)
        elif self.variables:
            problems.append(Problem("variables", "Only a `jinja` template has variables."))
        if problems:
            raise refuse(problems)
        position = schema.get_field_index(self.column)
        return schema.set(position, pa.field(self.output, pa.string()))

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        kept = {
            (self.output if name == self.column else name): (
                transformed(name) if name == self.column else identity(name)
            )
            for name in schema.names
        }
        return filtered_by((self.column,), kept)

    def versions(self) -> Mapping[str, str]:
        return {} if self.jinja is None else {"jinja2": jinja2.__version__}

    def start(self, encoders: Encoders) -> Running:
        if self.jinja is None:
            return RowByRow(self._by_name)
        names = {**self.variables, "add_generation_prompt": self.add_generation_prompt}
        return _Rendering(self, ChatProcess(self.jinja, names, self.max_characters))

    def _by_name(self, batch: pa.RecordBatch) -> Applied:
        assert self.template is not None, "output_schema was not asked"
        template = TEMPLATES[self.template]
        whole = _complete(batch, self.column)
        messages = _messages(whole.batch.column(self.column))
        failed = np.full(whole.batch.num_rows, -1, np.int64)
        failed[messages.owner[~template.fits(messages)]] = 0
        failed[messages.owner[forged(messages, template)]] = 1
        text = conversations(messages, template, self.add_generation_prompt)
        made = keep_rows(self.put(whole.batch, text), failed, (NOT_IN_TURN, CONTROL_TOKEN))
        return Applied(made.batch, _both(whole, made))

    def put(self, batch: pa.RecordBatch, text: Text) -> pa.RecordBatch:
        """Return the batch with `text` in the place of the messages."""
        position = batch.schema.get_field_index(self.column)
        return batch.set_column(
            position, pa.field(self.output, pa.string()), text.cast(pa.string())
        )


def _are_messages(found: AnyField) -> bool:
    kind = found.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        return False
    item = kind.value_type
    return pa.types.is_struct(item) and all(
        item.get_field_index(name) >= 0 and pa.types.is_string(item.field(name).type)
        for name in ("role", "content")
    )


def _wrong_in(source: str) -> list[Problem]:
    """Return what is wrong in a template, as far as can be told without running it."""
    made = environment()
    try:
        names = {node.name for node in made.parse(source).find_all(nodes.Name)}
        made.compile(source)
    except _NO_TEMPLATE as error:
        return [Problem("jinja", f"Not a template: {error}.")]
    if "messages" not in names:
        return [Problem("jinja", "The template does not use `messages`.")]
    return []


def _messages(column: Column) -> Messages:
    lists = cast("pa.ListArray[pa.StructScalar]", column)
    owner = pc.list_parent_indices(lists)
    flat = cast("pa.StructArray", lists.flatten())
    role, content = (text_of(pc.struct_field(flat, name)) for name in ("role", "content"))
    return Messages(role, content, owner.to_numpy().astype(np.int64), len(column))


def _complete(batch: pa.RecordBatch, column: str) -> Applied:
    """Drop the rows without messages, and those with a message without role or content."""
    messages = _messages(batch.column(column))
    counts = np.bincount(messages.owner, minlength=batch.num_rows)
    failed = np.where(counts == 0, 0, -1)
    lacking = pc.or_(pc.is_null(messages.role), pc.is_null(messages.content))
    failed[messages.owner[lacking.to_numpy(zero_copy_only=False)]] = 1
    return keep_rows(batch, failed, (NO_MESSAGES, NO_CONTENT))


def _both(first: Applied, then: Applied) -> pa.StringArray | None:
    """Return the reasons of two steps, of which the second saw the rows that the first kept."""
    if first.reasons is None:
        return then.reasons
    if then.reasons is None:
        return first.reasons
    left = first.reasons.is_null()
    return cast("pa.StringArray", pc.replace_with_mask(first.reasons, left, then.reasons))


@dataclass
class _Rendering:
    """Asks the process for each row."""

    step: Chat
    process: ChatProcess

    def apply(self, batch: pa.RecordBatch) -> Applied:
        whole = _complete(batch, self.step.column)
        failed = np.full(whole.batch.num_rows, -1, np.int64)
        texts: list[str | None] = []
        for place, messages in enumerate(values_of(whole.batch.column(self.step.column))):
            text, reason = self.process.render(messages)
            texts.append(text)
            if reason is not None:
                failed[place] = _JINJA_REASONS.index(reason)
        put = self.step.put(whole.batch, pa.array(texts, pa.string()))
        made = keep_rows(put, failed, tuple(f"chat.{reason}" for reason in _JINJA_REASONS))
        return Applied(made.batch, _both(whole, made))

    def finish(self) -> Applied | None:
        self.process.close()
        return None
