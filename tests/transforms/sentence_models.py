"""A sentence model small enough to be made in a test, in the files that real ones come in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tokenizers
from safetensors.numpy import save_file
from tokenizers import models, pre_tokenizers, processors

Weights = dict[str, npt.NDArray[np.float32]]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "dog", "cat", "house", "red", "blue"]
WIDTH, WIDE, LAYERS, HEADS, POSITIONS = 12, 20, 2, 3, 16
CONFIG: dict[str, object] = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": POSITIONS,
}


def weights(seed: int = 0) -> Weights:
    """Return random weights under the names of Hugging Face's BertModel."""
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(WORDS), WIDTH),
        "embeddings.position_embeddings.weight": (POSITIONS, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        "embeddings.LayerNorm.weight": (WIDTH,),
        "embeddings.LayerNorm.bias": (WIDTH,),
    }
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        for part in ("attention.self.query", "attention.self.key", "attention.self.value",
                     "attention.output.dense"):  # fmt: skip
            shapes[f"{name}.{part}.weight"] = (WIDTH, WIDTH)
            shapes[f"{name}.{part}.bias"] = (WIDTH,)
        shapes[f"{name}.intermediate.dense.weight"] = (WIDE, WIDTH)
        shapes[f"{name}.intermediate.dense.bias"] = (WIDE,)
        shapes[f"{name}.output.dense.weight"] = (WIDTH, WIDE)
        shapes[f"{name}.output.dense.bias"] = (WIDTH,)
        for part in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes[f"{name}.{part}.weight"] = (WIDTH,)
            shapes[f"{name}.{part}.bias"] = (WIDTH,)
    generator = np.random.default_rng(seed)
    return {name: generator.normal(size=shape).astype("f4") for name, shape in shapes.items()}


def write_model(
    folder: Path,
    held: Weights | None = None,
    config: dict[str, object] | None = None,
    pooling: str = "mean_tokens",
    normalise: bool = True,
) -> Path:
    """Write a model as sentence-transformers lays it out; it looks at 10 tokens."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "1_Pooling").mkdir(exist_ok=True)
    tokenizer = tokenizers.Tokenizer(
        models.WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.enable_padding(length=POSITIONS)
    tokenizer.save(str(folder / "tokenizer.json"))
    save_file(weights() if held is None else held, folder / "model.safetensors")
    parts = ["Transformer", "Pooling", *(["Normalize"] if normalise else [])]
    told = {
        "config.json": CONFIG if config is None else config,
        "sentence_bert_config.json": {"max_seq_length": 10},
        "modules.json": [{"type": f"sentence_transformers.models.{part}"} for part in parts],
        "1_Pooling/config.json": {
            "word_embedding_dimension": WIDTH,
            "pooling_mode_cls_token": pooling == "cls_token",
            "pooling_mode_mean_tokens": pooling == "mean_tokens",
            "pooling_mode_max_tokens": pooling == "max_tokens",
        },
    }
    for name, value in told.items():
        (folder / name).write_text(json.dumps(value))
    return folder
