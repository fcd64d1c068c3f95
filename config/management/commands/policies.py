"""`manage.py policies export DIR`, `import DIR [--dry-run] [--prune]`: policies as a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.runtime.bootstrap import BOOTSTRAP
from core.errors import FairmeshError
from governance.engine.entities import Principal
from governance.models import PolicyKind, User
from governance.selectors import principal_for
from governance.services.policy_folder import export_policies, import_policies

SUFFIXES = frozenset({".cedar", ".yaml"})


class Command(BaseCommand):
    """Writes the policies in force to a folder, or makes them those of a folder."""

    help = "Export the policies in force to a folder, or import a folder."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=["export", "import"])
        parser.add_argument("folder", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="show the plan, do nothing")
        parser.add_argument("--prune", action="store_true", help="retire what the folder lacks")
        parser.add_argument("--as", dest="username", default="", help="the user who does it")

    def handle(self, *args: Any, **options: Any) -> None:
        actor = _actor(options["username"])
        try:
            if options["verb"] == "export":
                self._export(actor, options["folder"])
            else:
                self._import(actor, options)
        except FairmeshError as error:
            places = [f"{e['where']}: {e['message']}" for e in error.extra.get("errors", [])]
            raise CommandError("\n".join([error.detail, *places])) from error

    def _export(self, actor: Principal, folder: Path) -> None:
        files = export_policies(actor)
        for path in _files_in(folder).keys() - files.keys():
            (folder / path).unlink()
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(text.encode())
        self.stdout.write(f"{len(files)} files in {folder}")

    def _import(self, actor: Principal, options: dict[str, Any]) -> None:
        files = _files_in(options["folder"])
        for dry_run in (True, False):
            plan = import_policies(actor, files, dry_run=dry_run, prune=options["prune"])
            for line in plan:
                step = line.step
                self.stdout.write(f"{step.change:10}{line.outcome:18}{step.kind}/{step.slug}")
            if options["dry_run"]:
                return


def _actor(username: str) -> Principal:
    if not username:
        return BOOTSTRAP
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise CommandError(f"There is no user {username}.")
    return principal_for(user)


def _files_in(folder: Path) -> dict[str, str]:
    """Return the policy files of a folder by path; whatever else lies there is left alone."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes().decode()
        for kind in PolicyKind.values
        for path in sorted((folder / kind).glob("*"))
        if path.suffix in SUFFIXES
    }
