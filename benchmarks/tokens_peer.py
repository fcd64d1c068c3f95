"""The other side of the token benchmark: Hugging Face `datasets` and `tokenizers`.

    python -m benchmarks.tokens_peer CORPUS TOKENIZER FOLDER ROW_TOKENS END_TOKEN

One `map` that encodes a batch, ends each document, and cuts the batch into rows as the well-known
`group_texts` does, but keeps its tail. Its clock starts after the imports.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import datasets
from tokenizers import Tokenizer

PROCESSES = 2
Batch = dict[str, list[str]]
Rows = dict[str, list[list[int]]]


def main() -> int:
    corpus, tokenizer, folder = (Path(word) for word in sys.argv[1:4])
    began = time.perf_counter()
    datasets.disable_caching()
    datasets.disable_progress_bars()
    loaded = datasets.load_dataset(
        "parquet", data_files=str(corpus), split="train", cache_dir=str(folder / "cache")
    )
    packed = loaded.map(
        tokenise_and_pack(tokenizer, int(sys.argv[4]), sys.argv[5]),
        batched=True,
        num_proc=PROCESSES,
        remove_columns=loaded.column_names,
        features=datasets.Features({"input_ids": datasets.Sequence(datasets.Value("int32"))}),
    )
    (folder / "output").mkdir(parents=True)
    # its codec cannot be chosen; the chunking by content is work that our side does not do
    packed.to_parquet(
        str(folder / "output" / "part-00000.parquet"), use_content_defined_chunking=False
    )
    print(json.dumps({"seconds": time.perf_counter() - began, "documents": loaded.num_rows}))
    return 0


def tokenise_and_pack(path: Path, length: int, end_token: str) -> Callable[[Batch], Rows]:
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    end = tokenizer.token_to_id(end_token)
    if end is None:
        raise SystemExit(f"{path} has no token {end_token!r}")

    def pack(batch: Batch) -> Rows:
        # a special token that a document spells out is text, here as on our side; said anew in
        # each process, since it is lost on the way there
        tokenizer.encode_special_tokens = True
        found = tokenizer.encode_batch_fast(batch["text"], add_special_tokens=False)
        ids = list(itertools.chain.from_iterable([*each.ids, end] for each in found))
        return {"input_ids": [ids[at : at + length] for at in range(0, len(ids), length)]}

    return pack


if __name__ == "__main__":
    sys.exit(main())
