"""Texts to vectors by a model that lies in a folder, beside its tokenizer.

The folder is one of a sentence-transformers model of BERT's family, as the hub has it: nothing in
it is run, its weights are numbers in a `safetensors` file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import tokenizers

from core.canonical import canonical_digest
from core.errors import Invalid
from transforms.engine.bert import Bert, Floats, Shape
from transforms.engine.encoders import ModelFiles, TokenizerFile
from transforms.engine.problems import Problem, refuse

FolderState = tuple[tuple[str, int, int], ...]
"""The files of a folder with the time of their last change, in nanoseconds, and their bytes."""

TOKENIZER, CONFIG, WEIGHTS = "tokenizer.json", "config.json", "model.safetensors"
MODULES, LENGTH, POOLING = "modules.json", "sentence_bert_config.json", "1_Pooling/config.json"
_TOLD = (MODULES, LENGTH, POOLING)
"""What a model says of itself; where it is silent, the mean of the tokens is taken."""
_KNOWN_MODULES = {"Transformer", "Pooling", "Normalize"}
_MEAN, _FIRST = "pooling_mode_mean_tokens", "pooling_mode_cls_token"
_WANTED = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}
_NUMBERS = (
    "num_hidden_layers",
    "num_attention_heads",
    "hidden_size",
    "layer_norm_eps",
    "max_position_embeddings",
)

try:
    from safetensors import SafetensorError
    from safetensors import numpy as safetensors
    from threadpoolctl import threadpool_limits
except ImportError:  # the extra `embed` is not installed; who asks for it is refused
    is_installed = False
else:
    is_installed = True


def read_folder(folder: Path) -> TokenizerFile:
    """Return the tokenizer of a folder, and what model lies beside it, if one does.

    The digest of a tokenizer that is a model's covers the model. Time: that of reading it.
    """
    data = (folder / TOKENIZER).read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    if not (folder / WEIGHTS).is_file() or not (folder / CONFIG).is_file():
        return TokenizerFile(data, sha256)
    there = [name for name in (CONFIG, WEIGHTS, *_TOLD) if (folder / name).is_file()]
    files = {name: _sha256(folder / name) for name in there}
    whole = canonical_digest({TOKENIZER: sha256, **files}).removeprefix("sha256:")
    return TokenizerFile(data, whole, ModelFiles(folder, tuple(files.items())))


def state_of(folder: Path) -> FolderState:
    """Return what tells that a file of a tokenizer or its model was replaced."""
    found = [(name, folder / name) for name in (TOKENIZER, CONFIG, WEIGHTS, *_TOLD)]
    states = [(name, path.stat()) for name, path in found if path.is_file()]
    return tuple((name, state.st_mtime_ns, state.st_size) for name, state in states)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Embedded:
    """A vector for each text, and how many tokens were looked at and how many texts were cut."""

    vectors: Floats
    tokens: int
    truncated: int


@dataclass(frozen=True, slots=True)
class _Told:
    """What the files of a model say."""

    shape: Shape
    width: int
    length: int
    takes_first: bool
    normalises: bool


class SentenceModel:
    """A model that was loaded. A text's vector does not depend on the texts around it."""

    def __init__(self, file: TokenizerFile, told: _Told, bert: Bert) -> None:
        self._told, self._bert = told, bert
        self._tokenizer = tokenizers.Tokenizer.from_buffer(file.data)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(told.length)
        if self._tokenizer.get_vocab_size() > bert.words:
            raise Invalid("The tokenizer of the model knows more tokens than its weights.")

    def embed(self, texts: Sequence[str]) -> Embedded:
        encoded = self._tokenizer.encode_batch(list(texts))
        vectors = [self._vector(np.array(each.ids, np.int64)) for each in encoded]
        return Embedded(
            np.stack(vectors) if vectors else np.zeros((0, self._told.width), np.float32),
            sum(len(each.ids) for each in encoded),
            sum(bool(each.overflowing) for each in encoded),
        )

    def _vector(self, ids: npt.NDArray[np.int64]) -> Floats:
        tokens = self._bert(ids)
        vector: Floats = tokens[0] if self._told.takes_first else tokens.mean(axis=0)
        if self._told.normalises:
            vector = vector / max(np.sqrt(np.square(vector).sum()), np.float32(1e-12))
        return vector


def check(file: TokenizerFile, where: str) -> list[Problem]:
    """Return why a tokenizer's model cannot embed; nothing where it can."""
    if not is_installed:
        return [Problem(where, "The extra `embed` is not installed here; it brings safetensors.")]
    if file.model is None:
        message = f"It is a tokenizer without a model; put {CONFIG} and {WEIGHTS} beside it."
        return [Problem(where, message)]
    return [Problem(where, message) for message in _unknown(file.model)]


def _unknown(model: ModelFiles) -> Iterator[str]:
    """Yield what in the files of a model is not known here."""
    config = _mapping(model, CONFIG)
    for name, wanted in _WANTED.items():
        found = config.get(name, wanted if name == "position_embedding_type" else None)
        if found != wanted:
            yield f"The model has {name} {found!r}; only {wanted!r} is known here."
    for name in _NUMBERS:
        if not isinstance(config.get(name), int | float):
            yield f"The model's {CONFIG} does not say {name}."
    parts = sorted(_modules(model) - _KNOWN_MODULES)
    if parts:
        yield f"The model has parts that are not known here: {', '.join(parts)}."
    pooling = _mapping(model, POOLING)
    modes = {name for name, on in pooling.items() if name.startswith("pooling_mode") and on is True}
    if pooling and modes not in ({_MEAN}, {_FIRST}):
        yield f"The model pools by {', '.join(sorted(modes)) or 'nothing'}; known is {_MEAN}."


@lru_cache(maxsize=2)
def load(file: TokenizerFile) -> SentenceModel:
    """Return the model of a tokenizer; raises InvalidSpec when it cannot embed.

    From the first one on this process computes with one thread, so that a vector does not depend
    on how many processors there are. Raises Invalid when the weights were replaced meanwhile, or
    are not what the model's configuration says. Memory: twice the weights while it loads.
    """
    if problems := check(file, "model"):
        raise refuse(problems)
    assert file.model is not None, "check was asked"
    threadpool_limits(1)
    data = (file.model.folder / WEIGHTS).read_bytes()
    if hashlib.sha256(data).hexdigest() != dict(file.model.sha256)[WEIGHTS]:
        raise Invalid("The weights of the model were replaced while the run went on; run it again.")
    told = _told(file.model)
    try:
        made = SentenceModel(file, told, Bert(safetensors.load(data), told.shape))
        made.embed(["a"])
    except (KeyError, ValueError, SafetensorError) as error:
        raise Invalid(f"The weights of the model are not what {CONFIG} says: {error}.") from error
    return made


def _told(model: ModelFiles) -> _Told:
    config = _mapping(model, CONFIG)
    numbers = {name: cast(float, config[name]) for name in _NUMBERS}
    positions = int(numbers["max_position_embeddings"])
    length = cast("int | None", _mapping(model, LENGTH).get("max_seq_length"))
    return _Told(
        shape=Shape(
            layers=int(numbers["num_hidden_layers"]),
            heads=int(numbers["num_attention_heads"]),
            epsilon=numbers["layer_norm_eps"],
        ),
        width=int(numbers["hidden_size"]),
        length=min(length or positions, positions),
        takes_first=_mapping(model, POOLING).get(_FIRST) is True,
        normalises="Normalize" in _modules(model),
    )


def _modules(model: ModelFiles) -> set[str]:
    """Return the kinds of parts that a model is made of."""
    parts = cast("list[dict[str, str]]", _json(model, MODULES) or [])
    return {part["type"].rpartition(".")[2] for part in parts}


def _mapping(model: ModelFiles, name: str) -> dict[str, object]:
    return cast("dict[str, object]", _json(model, name) or {})


def _json(model: ModelFiles, name: str) -> object:
    """Return what a file of the model says, None where it is not there."""
    if name not in dict(model.sha256):
        return None
    return cast(object, json.loads((model.folder / name).read_bytes()))
