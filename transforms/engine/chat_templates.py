"""Chat templates that are known by name, over whole columns of messages.

Source: the forms that OpenAI (chatml), Meta (llama3) and Mistral publish for their models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.engine.arrow import Text, text_of
from transforms.engine.quality.pieces import Counts, Flags, Pieces, found, joined

Named = Literal["chatml", "llama3", "mistral"]


@dataclass(frozen=True)
class Messages:
    """The messages of `rows` conversations, in order; nothing is null."""

    role: Text
    content: Text
    owner: Counts
    rows: int

    def first(self) -> Flags:
        """Return which messages begin a conversation."""
        begins = np.ones(len(self.owner), np.bool_)
        begins[1:] = self.owner[1:] != self.owner[:-1]
        return begins

    def before(self, chosen: Flags) -> Flags:
        """Return which messages have a chosen one before them in the same conversation."""
        return np.concatenate([[False], chosen[:-1]])[: len(chosen)] & ~self.first()

    def is_(self, role: str) -> Flags:
        same = pc.equal(self.role, pa.scalar(role, self.role.type))
        return np.array(same.to_numpy(zero_copy_only=False))


@dataclass(frozen=True)
class Template:
    """One form: what a conversation starts with and goes on with, and the tokens that part it."""

    start: str
    prompt: str
    """What asks the model for an answer."""
    control: tuple[str, ...]
    """Tokens by which a message could end itself and go on as another."""
    render: Callable[[Messages], Text]
    fits: Callable[[Messages], Flags]
    """Which messages may stand where they stand."""


def _joined(*parts: Text | str) -> Text:
    kind = next(part.type for part in parts if not isinstance(part, str))
    columns = [pa.scalar(part, kind) if isinstance(part, str) else part for part in parts]
    whole = cast("list[pa.StringArray]", [*columns, pa.scalar("", kind)])
    return pc.binary_join_element_wise(*whole)


def _chatml(messages: Messages) -> Text:
    return _joined("<|im_start|>", messages.role, "\n", messages.content, "<|im_end|>\n")


def _llama3(messages: Messages) -> Text:
    content = text_of(pc.utf8_trim_whitespace(messages.content))
    head = _joined("<|start_header_id|>", messages.role, "<|end_header_id|>\n\n")
    return _joined(head, content, "<|eot_id|>")


def _mistral(messages: Messages) -> Text:
    """The system's message stands in the first question, and each answer ends with `</s>`."""
    system, user = messages.is_("system"), messages.is_("user")
    content = messages.content
    above = text_of(content.take(np.maximum(np.arange(len(content)) - 1, 0)))
    led = _joined(above, "\n\n", content)
    asked = text_of(pc.if_else(pa.array(messages.before(system)), led, content))
    question, answer = _joined("[INST] ", asked, " [/INST]"), _joined(" ", content, "</s>")
    said = pc.if_else(pa.array(user), question, answer)
    return text_of(pc.if_else(pa.array(system), pa.scalar("", content.type), said))


def _any(messages: Messages) -> Flags:
    return np.ones(len(messages.owner), np.bool_)


def _in_turn(messages: Messages) -> Flags:
    """A system's message first if at all, then questions and answers by turns."""
    system, user = messages.is_("system"), messages.is_("user")
    answer = messages.is_("assistant")
    asks = user & (messages.first() | messages.before(system | answer))
    last = np.append(messages.first()[1:], True)[: len(system)]
    led: Flags = system & messages.first() & ~last
    return led | asks | (answer & messages.before(user))


TEMPLATES: Mapping[Named, Template] = {
    "chatml": Template(
        "", "<|im_start|>assistant\n", ("<|im_start|>", "<|im_end|>"), _chatml, _any
    ),
    "llama3": Template(
        "<|begin_of_text|>",
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
        _llama3,
        _any,
    ),
    "mistral": Template("<s>", "", ("<s>", "</s>", "[INST]", "[/INST]"), _mistral, _in_turn),
}


def conversations(messages: Messages, template: Template, prompt: bool) -> Text:
    """Return the text of each conversation; with `prompt` it asks for an answer at its end."""
    pieces = Pieces(template.render(messages), messages.owner, messages.rows)
    return _joined(template.start, joined(pieces, ""), template.prompt if prompt else "")


def forged(messages: Messages, template: Template) -> Flags:
    """Return which messages hold one of the template's own tokens."""
    expression = "|".join(f"{_literal(token)}" for token in template.control)
    return found(messages.content, expression) | found(messages.role, expression)


def _literal(token: str) -> str:
    return rf"\Q{token}\E"
