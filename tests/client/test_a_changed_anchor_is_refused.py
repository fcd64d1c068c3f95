"""Trust on first use: shown once, remembered, and never replaced in silence."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.seal import Signer

ME = {"authenticated": True, "username": "ana", "kind": "person", "is_operator": False, "teams": []}


def _sign_in(run: Callable[..., Any], tiny_mesh: Any, *options: str) -> Any:
    return run("login", tiny_mesh.url, "--json", *options, FAIRMESH_TOKEN="fm_secret")


def test_the_first_anchor_is_shown_and_another_one_later_is_an_error(
    run: Callable[..., Any], tiny_mesh: Any, sealed: Any, tmp_path: Path
) -> None:
    tiny_mesh.serve(sealed)
    tiny_mesh.answers["GET /api/v1/me"] = (200, ME)
    first = _sign_in(run, tiny_mesh)
    assert (first.code, first.json["first_use"]) == (0, True)
    assert first.json["anchor"] == sealed.anchor.key_id
    assert sealed.anchor.key_id in first.err
    again = _sign_in(run, tiny_mesh)
    assert (again.code, again.json["first_use"]) == (0, False)

    other = Signer.generate()
    shown = {"anchor": {"keyid": other.key_id, "public": other.public}}
    tiny_mesh.answers["GET /.well-known/fairmesh/trust.json"] = (200, shown)
    changed = _sign_in(run, tiny_mesh)
    assert changed.code == 4
    assert changed.json["error"]["code"] == "anchor_changed"
    assert run("get", "/acme/nlp/~/wiki", str(tmp_path / "still-the-old-one")).code == 0
    accepted = _sign_in(run, tiny_mesh, "--forget-anchor")
    assert (accepted.code, accepted.json["anchor"]) == (0, other.key_id)
    assert run("get", "/acme/nlp/~/wiki", str(tmp_path / "now-refused")).code == 4


def test_a_refused_token_is_not_remembered(
    run: Callable[..., Any], tiny_mesh: Any, sealed: Any, tmp_path: Path
) -> None:
    tiny_mesh.serve(sealed)
    tiny_mesh.answers["GET /api/v1/me"] = (401, {"code": "not_authenticated", "detail": "no"})
    assert _sign_in(run, tiny_mesh).code == 3
    config = tmp_path / "own" / "config.json"
    assert not config.exists() or "fm_secret" not in config.read_text()


def test_only_the_owner_can_read_the_configuration(
    run: Callable[..., Any], tiny_mesh: Any, sealed: Any, tmp_path: Path
) -> None:
    tiny_mesh.serve(sealed)
    tiny_mesh.answers["GET /api/v1/me"] = (200, ME)
    _sign_in(run, tiny_mesh)
    config = tmp_path / "own" / "config.json"
    assert "fm_secret" in config.read_text()
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert [path.name for path in config.parent.iterdir()] == ["config.json"]


def test_a_password_becomes_a_token_and_is_not_kept(
    run: Callable[..., Any], tiny_mesh: Any, sealed: Any, tmp_path: Path
) -> None:
    tiny_mesh.serve(sealed)
    tiny_mesh.answers["GET /api/v1/me"] = (200, ME)
    tiny_mesh.answers["POST /api/v1/session"] = (200, ME)
    tiny_mesh.answers["POST /api/v1/tokens"] = (201, {"token": "fm_fresh"})
    tiny_mesh.answers["DELETE /api/v1/session"] = (204, b"")
    found = run("login", tiny_mesh.url, "--user", "ana", FAIRMESH_PASSWORD="pass-word-9")
    assert found.code == 0
    saved = (tmp_path / "own" / "config.json").read_text()
    assert "fm_fresh" in saved
    assert "pass-word-9" not in saved + found.out + found.err
