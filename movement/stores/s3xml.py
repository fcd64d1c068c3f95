"""The few XML documents of S3's multipart calls and errors, in and out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from urllib.parse import unquote_plus
from xml.etree import ElementTree as ET

from core.errors import StoreUnavailable
from movement.stores.crc32c import crc32c_from_header, crc32c_to_header
from movement.stores.protocol import ObjectInfo, Part, Upload


def parse(document: bytes) -> ET.Element:
    """Return the root with all namespaces dropped; servers differ in whether they write them."""
    try:
        root = ET.fromstring(document)
    except ET.ParseError as error:
        raise StoreUnavailable(f"A store answered what is not XML: {error}.") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def parse_time(text: str) -> datetime:
    """Return an ISO 8601 time as aware UTC; the epoch when the store tells none."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)


def error_of(document: bytes) -> tuple[str, str] | None:
    """Return (code, message) when a document is an S3 error."""
    if b"<Error" not in document:
        return None
    root = parse(document)
    return root.findtext("Code", ""), root.findtext("Message", "")


def complete_request(parts: Sequence[Part]) -> bytes:
    root = ET.Element("CompleteMultipartUpload")
    for part in parts:
        element = ET.SubElement(root, "Part")
        ET.SubElement(element, "PartNumber").text = str(part.number)
        ET.SubElement(element, "ETag").text = f'"{part.etag}"'
        if part.crc32c is not None:
            ET.SubElement(element, "ChecksumCRC32C").text = crc32c_to_header(part.crc32c)
    return ET.tostring(root)


def listed_parts(root: ET.Element) -> Iterator[Part]:
    for element in root.iter("Part"):
        yield Part(
            number=int(element.findtext("PartNumber", "0")),
            bytes=int(element.findtext("Size", "0")),
            etag=element.findtext("ETag", "").strip('"'),
            crc32c=crc32c_from_header(element.findtext("ChecksumCRC32C")),
        )


def listed_objects(root: ET.Element) -> Iterator[ObjectInfo]:
    """Yield the objects of one page of a listing; a key that ends with `/` is a folder's mark."""
    is_quoted = root.findtext("EncodingType") == "url"
    for element in root.iterfind("Contents"):
        found = {child.tag: child.text or "" for child in element}
        key = unquote_plus(found["Key"]) if is_quoted else found["Key"]
        if not key.endswith("/"):
            yield ObjectInfo(
                key=key,
                bytes=int(found.get("Size", "0")),
                etag=found.get("ETag", "").strip('"'),
                sha256=None,
                modified=parse_time(found.get("LastModified", "")),
            )


def listed_uploads(root: ET.Element) -> Iterator[Upload]:
    for element in root.iter("Upload"):
        yield Upload(
            key=element.findtext("Key", ""),
            upload_id=element.findtext("UploadId", ""),
            started=parse_time(element.findtext("Initiated", "")),
        )
