"""docs/reference/settings.md tells what config/env.py reads, and a wrong value is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.env import REPOSITORY, SETTINGS, read_env, socket_folder

PAGE = (REPOSITORY / "docs" / "reference" / "settings.md").read_text()
ROWS = dict(re.findall(r"^\| `([A-Z_]+)` \| (.+?) \|$", PAGE, re.MULTILINE))


def test_the_page_has_every_setting_and_no_other() -> None:
    assert set(ROWS) == {setting.variable for setting in SETTINGS.values()}


@pytest.mark.parametrize("key", SETTINGS)
def test_the_page_says_what_the_setting_says(key: str) -> None:
    setting = SETTINGS[key]
    row = ROWS[setting.variable]
    assert setting.help in row
    assert f"`{setting.example}`" in row
    assert ("Secret." in row) is setting.secret
    if key != "home":
        assert row.startswith(f"`{setting.default}`" if setting.default else "(empty)")


@pytest.mark.parametrize("key", [key for key in SETTINGS if not SETTINGS[key].secret])
def test_every_example_can_be_used(key: str, tmp_path: Path) -> None:
    setting = SETTINGS[key]
    environ = {"FAIRMESH_HOME": str(tmp_path), "FAIRMESH_SECRET_KEY": "x" * 50}
    environ |= {"FAIRMESH_OIDC_CLIENT_ID": "x", "FAIRMESH_OIDC_CLIENT_SECRET": "y"}
    assert read_env({**environ, setting.variable: setting.example}) is not None


@pytest.mark.parametrize(
    ("variable", "wrong"),
    [
        ("FAIRMESH_PORT", "80000"),
        ("FAIRMESH_WORKER_PROCESSES", "0"),
        ("FAIRMESH_DEBUG", "perhaps"),
        ("FAIRMESH_PUBLIC_URL", "mesh.example.org"),
        ("FAIRMESH_MESH", "A b"),
        ("REDIS_URL", "http://redis"),
    ],
)
def test_a_wrong_value_is_named_with_an_example(variable: str, wrong: str, tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{variable}: .*Example: "):
        read_env({"FAIRMESH_HOME": str(tmp_path), variable: wrong})


def test_a_wrong_secret_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        read_env({"FAIRMESH_HOME": str(tmp_path), "DATABASE_URL": "mysql://u:hunter2@h/n"})
    assert "hunter2" not in str(caught.value)


def test_a_deep_home_has_a_short_private_folder_for_its_sockets(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 90)
    assert len(str(socket_folder(deep))) < 60
    assert socket_folder(deep) != socket_folder(deep / "other")
    assert socket_folder(Path("/srv/mesh")) == Path("/srv/mesh/run")
