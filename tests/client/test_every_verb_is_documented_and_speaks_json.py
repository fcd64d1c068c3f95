"""docs/reference/cli.md is what the commands say of themselves."""

from __future__ import annotations

from pathlib import Path

import typer
from fairmesh.cli import app
from fairmesh.cli.reference import reference, verbs

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"
PROMISED = """
login
whoami
token create
domain create
product create
product show
publish
register
search
show
get
resolve
verify
request
approve
deny
requests
comment
renew
revoke
grants
policy add
policy list
pipeline create
pipeline check
pipeline plan
pipeline sample
pipeline run
runs
replicate plan
replicate apply
transfers
lineage
label add
label declassify
scan show
scan reject
contract set
audit
audit export
audit proof
audit verify
"""


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == reference(), "run `python -m fairmesh.cli.reference`"


def test_every_promised_verb_exists_and_every_verb_has_help_and_json() -> None:
    found = dict(verbs(typer.main.get_command(app)))
    assert {f"fairmesh {verb}" for verb in PROMISED.split("\n") if verb} <= set(found)
    for path, command in found.items():
        assert command.help, path
        assert any("--json" in option.opts for option in command.params), path


def test_no_secret_is_taken_from_the_command_line() -> None:
    for path, command in verbs(typer.main.get_command(app)):
        names = {name for option in command.params for name in option.opts}
        assert not names & {"--password", "--token", "--secret", "--secret-key"}, path
