"""All that a bucket keeps below a prefix: in a versioned one a plain DELETE removes no byte.

Source: S3 ListObjectVersions, DeleteObject with versionId, object lock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from core.errors import FairmeshError, ObjectLocked
from movement.stores import s3xml
from movement.stores.protocol import Generation
from movement.stores.s3answers import Answer, Ask
from movement.stores.s3errors import error_from

_NOT_KNOWN = frozenset({"NotImplemented", "MethodNotAllowed"})
_UNVERSIONED = "null"


@dataclass(frozen=True, slots=True)
class Generations:
    """The generations of objects in one bucket, whose keys begin with `root` in the bucket."""

    ask: Ask
    root: str
    label: str

    def list(self, prefix: str) -> Iterator[Generation] | None:
        """Return those below `prefix`; None when the server knows of no generations."""
        query = {"versions": "", "prefix": self.root + prefix}
        first = self.ask("GET", None, query)
        told = s3xml.error_of(first.document) if first.status != 200 else None
        if told is not None and told[0] in _NOT_KNOWN:
            return None
        return self._pages(first, query)

    def _pages(self, answer: Answer, query: dict[str, str]) -> Iterator[Generation]:
        while True:
            if answer.status != 200:
                raise error_from(answer.status, answer.document, self.label, query["prefix"])
            root = s3xml.parse(answer.document)
            for element in root:
                if element.tag in ("Version", "DeleteMarker"):
                    yield self._read(element)
            query["key-marker"] = root.findtext("NextKeyMarker", "")
            query["version-id-marker"] = root.findtext("NextVersionIdMarker", "")
            if root.findtext("IsTruncated") != "true" or not query["key-marker"]:
                return
            answer = self.ask("GET", None, query)

    def _read(self, element: ET.Element) -> Generation:
        return Generation(
            key=element.findtext("Key", "").removeprefix(self.root),
            bytes=int(element.findtext("Size", "0")),
            version=element.findtext("VersionId", _UNVERSIONED),
            mark=element.tag == "DeleteMarker",
        )

    def erase(self, generation: Generation) -> None:
        """Remove one for good. Raises ObjectLocked while the store keeps it from everyone."""
        query = {"versionId": generation.version} if generation.version else {}
        answer = self.ask("DELETE", generation.key, query)
        if answer.status in (200, 204, 404):
            return
        raise self._locked(generation, query) or error_from(
            answer.status, answer.document, self.label, generation.key
        )

    def _locked(self, generation: Generation, query: Mapping[str, str]) -> FairmeshError | None:
        """Return the lock that stands in the way, if the store tells of one."""
        headers = self.ask("HEAD", generation.key, query).headers
        until = headers.get("x-amz-object-lock-retain-until-date", "")
        held = headers.get("x-amz-object-lock-legal-hold") == "ON"
        if not held and (not until or s3xml.parse_time(until) <= datetime.now(UTC)):
            return None
        return ObjectLocked(
            f"{self.label} keeps {generation.key!r} under "
            + ("a legal hold of its own." if held else f"object lock until {until}."),
            store=self.label,
            key=generation.key,
            until=until,
        )
