from __future__ import annotations

from typing import Any

import pytest
from fairmesh.errors import NotAuthenticated
from fairmesh.login import exchange_password

from governance.selectors import token_of
from tests.builders import build_world
from tests.governance.second_factors import PASSWORD, add_app, code_of


def test_login_asks_for_the_code_only_where_there_is_a_factor(
    transactional_db: None, live_server: Any, settings: Any, tmp_path: Any
) -> None:
    world = build_world(settings, tmp_path)
    secret, _ = add_app(world.ana)
    asked: list[str] = []

    def code() -> str:
        asked.append(code_of(secret))
        return asked[-1]

    with pytest.raises(NotAuthenticated, match="recovery code"):
        exchange_password(live_server.url, "ana", PASSWORD)
    token = exchange_password(live_server.url, "ana", PASSWORD, ask_code=code)
    assert token_of(token).user.username == "ana"
    assert len(asked) == 1
    exchange_password(live_server.url, "ben", PASSWORD, ask_code=code)
    assert len(asked) == 1
