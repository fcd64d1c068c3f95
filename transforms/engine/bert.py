"""The network of BERT's family in NumPy, over one text at a time: no text changes another's vector.

Source: Devlin et al. 2018, arXiv 1810.04805; weights are named as Hugging Face's `BertModel` does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Shape:
    """What of the configuration decides the computation."""

    layers: int
    heads: int
    epsilon: float


@dataclass(frozen=True, slots=True)
class _Dense:
    weight: Floats
    bias: Floats

    def __call__(self, x: Floats) -> Floats:
        return x @ self.weight + self.bias


@dataclass(frozen=True, slots=True)
class _Norm:
    weight: Floats
    bias: Floats
    epsilon: float

    def __call__(self, x: Floats) -> Floats:
        centred = x - x.mean(axis=1, keepdims=True)
        variance = np.square(centred).mean(axis=1, keepdims=True)
        found: Floats = centred / np.sqrt(variance + np.float32(self.epsilon))
        return found * self.weight + self.bias


@dataclass(frozen=True, slots=True)
class _Layer:
    """Attention of every token to every token, then two dense layers for each alone."""

    heads: int
    asked: _Dense
    """Queries, keys and values in one."""
    attended: _Dense
    attended_norm: _Norm
    wide: _Dense
    narrow: _Dense
    narrow_norm: _Norm

    def __call__(self, x: Floats) -> Floats:
        tokens, width = x.shape
        each = self.asked(x).reshape(tokens, 3, self.heads, width // self.heads)
        queries, keys, values = each.transpose(1, 2, 0, 3)
        scores = queries @ keys.transpose(0, 2, 1) * np.float32(math.sqrt(self.heads / width))
        scores = np.exp(scores - scores.max(axis=2, keepdims=True))
        scores /= scores.sum(axis=2, keepdims=True)
        seen = (scores @ values).transpose(1, 0, 2).reshape(tokens, width)
        x = self.attended_norm(x + self.attended(seen))
        return self.narrow_norm(x + self.narrow(_gelu(self.wide(x))))


class Bert:
    """The network with its weights; raises KeyError when one is missing."""

    def __init__(self, weights: Mapping[str, Floats], shape: Shape) -> None:
        held = {name.removeprefix("bert."): each for name, each in weights.items()}
        self._words = _plain(held["embeddings.word_embeddings.weight"])
        self._places = (
            held["embeddings.position_embeddings.weight"]
            + held["embeddings.token_type_embeddings.weight"][0]
        ).astype(np.float32)
        self._norm = _norm(held, "embeddings.LayerNorm", shape)
        self._layers = [_layer(held, f"encoder.layer.{at}", shape) for at in range(shape.layers)]

    @property
    def words(self) -> int:
        """Return how many ids there are."""
        return len(self._words)

    def __call__(self, ids: npt.NDArray[np.int64]) -> Floats:
        """Return a vector for each token of one text."""
        x = self._norm(self._words[ids] + self._places[: len(ids)])
        for layer in self._layers:
            x = layer(x)
        return x


def _layer(held: Mapping[str, Floats], name: str, shape: Shape) -> _Layer:
    asked = [_dense(held, f"{name}.attention.self.{part}") for part in ("query", "key", "value")]
    return _Layer(
        shape.heads,
        _Dense(
            np.concatenate([each.weight for each in asked], axis=1),
            np.concatenate([each.bias for each in asked]),
        ),
        _dense(held, f"{name}.attention.output.dense"),
        _norm(held, f"{name}.attention.output.LayerNorm", shape),
        _dense(held, f"{name}.intermediate.dense"),
        _dense(held, f"{name}.output.dense"),
        _norm(held, f"{name}.output.LayerNorm", shape),
    )


def _plain(weight: Floats) -> Floats:
    return np.ascontiguousarray(weight, np.float32)


def _dense(held: Mapping[str, Floats], name: str) -> _Dense:
    return _Dense(_plain(held[f"{name}.weight"].T), _plain(held[f"{name}.bias"]))


def _norm(held: Mapping[str, Floats], name: str, shape: Shape) -> _Norm:
    return _Norm(_plain(held[f"{name}.weight"]), _plain(held[f"{name}.bias"]), shape.epsilon)


def _gelu(x: Floats) -> Floats:
    """Return x times the share of the normal distribution below x, to 2 in 10 million.

    Source of the error function: Abramowitz and Stegun 1964, 7.1.26.
    """
    at = np.abs(x) * np.float32(math.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * at)
    sum_of_powers = np.zeros_like(t)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        sum_of_powers = (sum_of_powers + np.float32(factor)) * t
    half: Floats = np.float32(0.5) * sum_of_powers * np.exp(-at * at)
    return x * np.where(x < 0, half, 1 - half)
