"""One command: an address that answers, a sign-in that works, and figures."""

from __future__ import annotations

import json
import stat
from urllib.parse import urlsplit

import httpx
import pytest
from fairmesh.errors import NotAuthenticated
from fairmesh.login import exchange_password

from tests.live import LivePlatform, wait_for

pytestmark = pytest.mark.servers


def test_it_is_ready_and_says_what_it_asked(live: LivePlatform) -> None:
    status, body = wait_for(lambda: (r := live.get("/readyz"))[0] == 200 and r, "a ready platform")
    assert status == 200
    names = {check["name"] for check in json.loads(body)["checks"]}
    assert names == {"database", "broker", "store store-eu", "store store-us"}
    assert live.get("/healthz")[0] == 200


def test_it_prints_the_address_the_sign_in_and_the_logs(live: LivePlatform) -> None:
    assert f"Fairmesh is up at {live.url}" in live.output
    assert str(live.home / "admin-password") in live.output
    assert str(live.home / "log") in live.output
    assert live.admin_password not in live.output


def test_the_first_operator_signs_in_and_finds_two_sites(live: LivePlatform) -> None:
    with pytest.raises(NotAuthenticated):
        exchange_password(live.url, "admin", "not the password")
    token = exchange_password(live.url, "admin", live.admin_password, days=1.0)
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=live.url, headers=headers) as client:
        stores = client.get("/api/v1/stores").json()["results"]
        assert {(row["name"], row["site"]) for row in stores} >= {
            ("store-eu", "core-eu"),
            ("store-us", "core-us"),
        }
        sites = {row["name"]: row for row in client.get("/api/v1/sites").json()["results"]}
        assert sites["core-eu"]["jurisdictions"] == ["DE", "EU"]


def test_what_it_keeps_is_closed_to_everyone_else(live: LivePlatform) -> None:
    assert stat.S_IMODE(live.home.stat().st_mode) == 0o700
    secret = [live.home / "admin-password", live.home / "secret-key"]
    secret += [*live.home.glob("s3/*/*.json"), *live.home.glob("log/*.log")]
    assert len(secret) > 6
    assert {stat.S_IMODE(path.stat().st_mode) for path in secret} == {0o600}


def test_it_listens_on_loopback_only(live: LivePlatform) -> None:
    assert {urlsplit(url).hostname for url in [live.url, *live.told["stores"].values()]} == {
        "127.0.0.1"
    }


def test_the_figures_count_requests_over_all_processes(live: LivePlatform) -> None:
    def counted() -> float:
        page = live.get("/metrics")[1]
        line = 'fairmesh_requests_total{method="GET",route="healthz",status="200"} '
        return sum(float(row.removeprefix(line)) for row in page.splitlines() if line in row)

    before = counted()
    for _ in range(20):
        live.get("/healthz")
    assert counted() == before + 20
    assert "fairmesh_outbox_waiting" in live.get("/metrics")[1]


def test_a_second_up_says_what_runs_and_ends_at_once(live: LivePlatform) -> None:
    second = live.manage("up")
    assert second.returncode == 1
    assert f"already up at {live.url}" in second.stderr
    assert str(live.process.pid) in second.stderr
    assert live.get("/healthz")[0] == 200, "the first one goes on"
