"""dedup_exact drops a row only where there is an equal one, whatever somebody builds."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from tests.transforms.barriers import passed
from tests.transforms.bench import Bench
from transforms.engine.operators.dedup_exact import DedupExact
from transforms.engine.row_hashes import keyed, plain, row_hashes

SECRET = bytes.fromhex("b8fe6c3923a44bbe7c01812cf721ad1c")
"""The first bytes of the secret that XXH3 uses by default, as its source has them."""


def _of_one_xxh3() -> tuple[bytes, bytes]:
    """Return two values of 256 bytes.

    XXH3 adds, for each 8 bytes, the product of their halves behind the secret, and the bytes
    themselves. Here two lower halves are the secret's, so both products are zero whatever the upper
    halves; what one of these gains the other loses, so the sum of the bytes stays.
    """
    made = []
    for moved in (0, 0x20202020):
        value = bytearray(b"a" * 256)
        value[0:8] = SECRET[:4] + (0x61616161 + moved).to_bytes(4, "little")
        value[64:72] = SECRET[8:12] + (0x61616161 - moved).to_bytes(4, "little")
        made.append(bytes(value))
    return made[0], made[1]


def test_two_values_of_one_xxh3_both_stay(bench: Bench) -> None:
    one, other = _of_one_xxh3()
    assert one != other
    assert xxhash.xxh3_128_digest(one) == xxhash.xxh3_128_digest(other)
    table = pa.table({"value": pa.array([one, other, one], pa.binary())})
    written = pa.BufferOutputStream()
    pq.write_table(table, written)
    bench.write("a.parquet", written.getvalue().to_pybytes())
    report = bench.run(bench.plan([{"dedup_exact": {"columns": ["value"]}}]))
    assert (report.rows_out, report.dropped) == (2, {"duplicate": 1})


def test_they_both_stay_in_a_sample_too() -> None:
    one, other = _of_one_xxh3()
    batch = pa.record_batch({"value": pa.array([one, other], pa.binary())})
    applied, _ = DedupExact(("value",)).alone(batch)
    assert applied.batch.num_rows == 2


def test_the_key_is_that_of_the_run_whoever_hashes() -> None:
    batch = pa.record_batch({"value": pa.array(["a", "b", None, ""])})
    one, same, other = (row_hashes(batch.columns, keyed(by)) for by in ("one", "one", "other"))
    assert one.tolist() == same.tolist()
    differs = (one != other).any(axis=1)
    assert differs.tolist() == [True, True, False, True]


def test_another_key_finds_the_same_duplicates() -> None:
    texts = pa.array(["a", None, "", "a", None, "", "b"])
    batch = pa.record_batch({"value": texts})
    assert passed(DedupExact(("value",)), [[batch]], 1).dropped == {"duplicate": 3}
    for key in ("one", "other"):
        found = row_hashes([texts], keyed(key)).tolist()
        assert [found.index(each) for each in found] == [0, 1, 2, 0, 1, 2, 6]


def test_the_plain_hash_is_for_ever() -> None:
    """The rows that `sample` chooses hang on it."""
    (found,) = row_hashes([pa.array(["fairmesh"])], plain())
    assert bytes(found) == xxhash.xxh3_128_digest(b"fairmesh")
