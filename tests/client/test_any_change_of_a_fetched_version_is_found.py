"""Whatever a byte of a fetched version becomes, the client refuses it and says what is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from fairmesh.errors import VerificationFailed
from fairmesh.verify import Report, verify_directory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.seal import DELEGATION_TYPE, HEADER_TYPE, Signer, sign


@settings(
    max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data())
def test_any_flipped_byte_anywhere_is_refused(
    sealed: Any, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    directory = sealed.lay_out(tmp_path_factory.mktemp("version"))
    try:
        files = sorted(p for p in directory.rglob("*") if p.is_file() and p.stat().st_size)
        path = data.draw(st.sampled_from(files))
        raw = bytearray(path.read_bytes())
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] ^= data.draw(st.integers(1, 255))
        path.write_bytes(raw)
        assert not verify_directory(directory, sealed.anchor).ok
    finally:
        shutil.rmtree(directory)


@settings(
    max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data())
def test_any_field_of_the_header_signed_by_a_strange_key_is_refused(
    sealed: Any, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("version")
    stranger = Signer.generate()
    field = data.draw(st.sampled_from(sorted(sealed.header)))
    header = {**sealed.header, field: data.draw(st.one_of(st.none(), st.text(), st.integers(0, 9)))}
    envelope = sign(stranger, HEADER_TYPE, header)
    if data.draw(st.booleans()):  # claims to be the domain's key
        envelope["signatures"][0]["keyid"] = sealed.domain_signer.key_id
    sealed_envelope, sealed.envelope = sealed.envelope, envelope
    try:
        assert not verify_directory(sealed.lay_out(directory), sealed.anchor).ok
    finally:
        sealed.envelope = sealed_envelope
        shutil.rmtree(directory)


def test_an_envelope_of_another_type_is_not_a_header(sealed: Any, tmp_path: Path) -> None:
    sealed.envelope = sign(sealed.domain_signer, DELEGATION_TYPE, sealed.header)
    assert not verify_directory(sealed.lay_out(tmp_path), sealed.anchor).ok


def _reasons(report: Report) -> dict[str, str]:
    return {problem.path: problem.reason for problem in report.problems}


def test_each_kind_of_damage_has_its_reason(sealed: Any, tmp_path: Path) -> None:
    sealed.lay_out(tmp_path)
    (tmp_path / "empty").unlink()
    (tmp_path / "train/b.jsonl").write_bytes(b"short")
    (tmp_path / "läsmich.txt").write_bytes("grüße\n".encode() + b"more")
    (tmp_path / "train/a.jsonl").write_bytes(b'{"text": "0ne"}\n' * 40)
    (tmp_path / "train/c.jsonl").write_bytes(b"stranger")
    assert _reasons(verify_directory(tmp_path, sealed.anchor)) == {
        "empty": "missing",
        "train/b.jsonl": "truncated",
        "läsmich.txt": "longer",
        "train/a.jsonl": "altered",
        "train/c.jsonl": "extra",
    }


def test_a_link_to_the_right_bytes_is_not_the_file(sealed: Any, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    directory = sealed.lay_out(tmp_path / "version")
    shutil.move(directory / "train", elsewhere)
    (directory / "train").symlink_to(elsewhere)
    found = _reasons(verify_directory(directory, sealed.anchor))
    assert found["train/a.jsonl"] == "not-a-file"
    assert found["train"] == "extra"


def test_a_missing_shard_is_told(sealed: Any, tmp_path: Path) -> None:
    sealed.lay_out(tmp_path)
    for shard in (tmp_path / ".fairmesh" / "manifest").iterdir():
        shard.unlink()
    report = verify_directory(tmp_path, sealed.anchor)
    assert _reasons(report) == {".fairmesh/manifest": "manifest"}
    with pytest.raises(VerificationFailed, match="is missing"):
        report.require()
