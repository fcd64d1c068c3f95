"""The client shares no code with the platform and must still agree with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from fairmesh.manifest import merkle_root
from fairmesh.verify import Expectation, verify_directory
from hypothesis import given
from hypothesis import strategies as st

from core.digests import Digest
from core.manifest import merkle_root as core_root
from core.seal import HEADER_TYPE, Signer, delegate, sign


def test_a_good_version_passes_and_its_digest_is_the_one_others_cite(
    sealed: Any, tmp_path: Path
) -> None:
    report = verify_directory(sealed.lay_out(tmp_path), sealed.anchor)
    assert report.problems == []
    assert (report.name, report.digest) == (sealed.name, sealed.digest)
    assert (report.files, report.bytes) == (4, sum(map(len, sealed.files.values())))


def test_a_manifest_of_several_shards_passes(seal: Callable[..., Any], tmp_path: Path) -> None:
    sealed = seal(files={f"part-{n:05}": b"%d" % n for n in range(4100)})
    assert len(sealed.built.shards) == 2
    assert verify_directory(sealed.lay_out(tmp_path), sealed.anchor).ok


def test_another_meshs_anchor_is_refused(sealed: Any, tmp_path: Path) -> None:
    other = Signer.generate()
    sealed.lay_out(tmp_path)
    report = verify_directory(tmp_path, type(sealed.anchor)(other.public))
    assert [problem.reason for problem in report.problems] == ["seal"]


def test_a_key_may_not_sign_outside_its_prefix(seal: Callable[..., Any], tmp_path: Path) -> None:
    for index, prefix in enumerate(["/acme/science", "/acm", "/acme/nlp/~/wik"]):
        sealed = seal(prefix=prefix)
        report = verify_directory(sealed.lay_out(tmp_path / str(index)), sealed.anchor)
        assert "may only sign under" in report.problems[0].detail


def test_a_seal_outside_the_time_of_its_key_is_refused(
    seal: Callable[..., Any], tmp_path: Path
) -> None:
    base = seal()
    for index, days in enumerate([-2, 2]):
        moment = base.header["published"]
        sealed = seal(changes={"published": _shift(moment, days)})
        report = verify_directory(sealed.lay_out(tmp_path / str(index)), sealed.anchor)
        assert "outside the time" in report.problems[0].detail


def _shift(moment: str, days: int) -> str:
    return (datetime.fromisoformat(moment) + timedelta(days=days)).isoformat()


def test_a_renewed_delegation_of_the_same_key_counts(sealed: Any, tmp_path: Path) -> None:
    published = datetime.fromisoformat(sealed.header["published"])
    old = delegate(
        sealed.anchor_signer,
        sealed.domain_signer.public,
        "/acme",
        issued=published - timedelta(days=900),
        expires=published - timedelta(days=90),
    )
    sealed.delegations.insert(0, old)
    assert verify_directory(sealed.lay_out(tmp_path), sealed.anchor).ok


def test_a_delegation_not_made_by_the_anchor_is_refused(sealed: Any, tmp_path: Path) -> None:
    stranger = Signer.generate()
    moment = datetime.fromisoformat(sealed.header["published"])
    forged = delegate(stranger, stranger.public, "/acme", issued=moment, expires=moment)
    sealed.delegations[:] = [forged]
    sealed.envelope = sign(stranger, HEADER_TYPE, sealed.header)
    assert not verify_directory(sealed.lay_out(tmp_path), sealed.anchor).ok


def test_totals_that_the_manifest_does_not_bear_out_are_refused(
    seal: Callable[..., Any], tmp_path: Path
) -> None:
    honest = seal().header["manifest"]
    lies: list[dict[str, object]] = [{"files": 3}, {"bytes": 1}, {"rows": 5}, {"shards": []}]
    for index, lie in enumerate(lies):
        sealed = seal(changes={"manifest": {**honest, **lie}})
        report = verify_directory(sealed.lay_out(tmp_path / str(index)), sealed.anchor)
        assert [problem.reason for problem in report.problems] == ["manifest"]


def test_a_good_seal_of_another_version_is_not_what_was_asked_for(
    sealed: Any, tmp_path: Path
) -> None:
    sealed.lay_out(tmp_path)
    for wrong in [Expectation(name="/acme/nlp/~/wiki/v=4"), Expectation(digest="sha256:0")]:
        assert not verify_directory(tmp_path, sealed.anchor, expected=wrong).ok
    right = Expectation(name=sealed.name, digest=sealed.digest)
    assert verify_directory(tmp_path, sealed.anchor, expected=right).ok


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=70))
def test_both_compute_the_same_root(leaves: list[bytes]) -> None:
    digests = [Digest("sha256:" + leaf.hex()) for leaf in leaves]
    assert merkle_root(digests) == core_root(digests)
