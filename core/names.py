"""Names and their one bijection to addresses, object keys, NDN, OpenLineage and back.

    /acme/nlp/~/wiki/v=3/train/part-0000.parquet
    domain    ^ product ^ version  file path

`~` separates domain from product and `v=N` marks the version. A component cannot begin with `~`
and cannot hold `=`, so no user text can forge a marker. Source: DESIGN.md section 3;
NDN-TR-0022 rev3 for the typed components.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote_to_bytes

from core.errors import InvalidName

MARKER = "~"
COMPONENT = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
VERSION = re.compile(r"v=([1-9][0-9]{0,17})")
MAX_PATH_BYTES = 900
"""Object keys end at 1,024 bytes; this leaves room for a store's prefix and the name itself."""
NDN_KEYWORD, NDN_VERSION, NDN_SEGMENT = 32, 54, 50


@dataclass(frozen=True, slots=True)
class Name:
    """A checked name of a domain, a product, a version or a file.

    Build it with `Name.parse` or the `child` methods; each field is already valid.
    """

    domain: tuple[str, ...]
    product: str | None = None
    version: int | None = None
    path: str | None = None
    """The file path below the version, decoded, with `/` between its parts."""

    @classmethod
    def parse(cls, text: str) -> Name:
        """Return the Name written as `text`; raise InvalidName that says what and where."""
        if not text.startswith("/"):
            raise _invalid(text, "it must begin with '/', as in /acme/nlp/~/wiki/v=3")
        parts = text[1:].split("/")
        head, product, rest = _split_at_marker(text, parts)
        for part in head:
            _check_component(text, part)
        if product is None:
            return cls(tuple(head))
        _check_component(text, product)
        if not rest:
            return cls(tuple(head), product)
        version = VERSION.fullmatch(rest[0])
        if version is None:
            raise _invalid(text, f"{rest[0]!r} stands where a version (v=1, v=2, …) belongs")
        path = "/".join(rest[1:]) if len(rest) > 1 else None
        return cls(
            tuple(head), product, int(version[1]), None if path is None else decode_path(path)
        )

    @property
    def kind(self) -> str:
        """One of domain, product, version, file."""
        if self.product is None:
            return "domain"
        if self.version is None:
            return "product"
        return "version" if self.path is None else "file"

    def __str__(self) -> str:
        text = "/" + "/".join(self.domain)
        if self.product is not None:
            text += f"/{MARKER}/{self.product}"
        if self.version is not None:
            text += f"/v={self.version}"
        if self.path is not None:
            text += "/" + encode_path(self.path)
        return text

    def with_product(self, product: str) -> Name:
        return Name.parse(f"{Name(self.domain)}/{MARKER}/{product}")

    def with_version(self, version: int) -> Name:
        if self.product is None:
            raise _invalid(str(self), "only a product has versions")
        return Name.parse(f"{Name(self.domain, self.product)}/v={version}")

    def with_path(self, path: str) -> Name:
        if self.version is None:
            raise _invalid(str(self), "only a version has files")
        return replace(self, path=check_path(path))

    @property
    def product_name(self) -> Name:
        return Name(self.domain, self.product)

    @property
    def domain_name(self) -> Name:
        return Name(self.domain)

    def is_under(self, prefix: str) -> bool:
        """True when this name is `prefix` or lies below it, component by component."""
        return is_under(str(self), prefix)

    # The bijection. Each pair is inverse to the other on every valid name.

    def to_url_path(self) -> str:
        return "/n" + str(self)

    @classmethod
    def from_url_path(cls, path: str) -> Name:
        if not path.startswith("/n/"):
            raise _invalid(path, "an address of a name begins with /n/")
        return cls.parse(path[2:])

    def to_object_key(self) -> str:
        """Return the key below a store's prefix; file paths stay readable, not encoded."""
        key = str(replace(self, path=None))[1:]
        return key if self.path is None else f"{key}/{self.path}"

    @classmethod
    def from_object_key(cls, key: str) -> Name:
        match = re.match(r"(?P<version>.*?/~/[^/]+/v=[0-9]+)/(?P<path>.+)", key, re.DOTALL)
        if match is not None:
            return cls.parse("/" + match["version"]).with_path(match["path"])
        name = cls.parse("/" + key)
        if name.path is not None:
            raise _invalid(key, "it is not the key of a file")
        return name

    def to_ndn(self) -> str:
        """Return the NDN URI: `~` is `32=dp`, `v=N` is `54=N`."""
        text = "/" + "/".join(self.domain)
        if self.product is not None:
            text += f"/{NDN_KEYWORD}=dp/{self.product}"
        if self.version is not None:
            text += f"/{NDN_VERSION}={self.version}"
        if self.path is not None:
            text += "/" + encode_path(self.path)
        return text

    @classmethod
    def from_ndn(cls, uri: str) -> Name:
        parts = uri.split("/")
        if f"{NDN_KEYWORD}=dp" in parts:
            at = parts.index(f"{NDN_KEYWORD}=dp")
            parts[at] = MARKER
            if len(parts) > at + 2 and parts[at + 2].startswith(f"{NDN_VERSION}="):
                parts[at + 2] = "v=" + parts[at + 2].partition("=")[2]
        name = cls.parse("/".join(parts))
        if name.to_ndn() != uri:  # a marker in our own spelling would be a second name
            raise _invalid(uri, f"its NDN spelling is {name.to_ndn()!r}")
        return name

    def to_openlineage(self, mesh: str) -> tuple[str, str]:
        """Return the OpenLineage dataset (namespace, name)."""
        return f"fairmesh://{mesh}", str(self)

    @classmethod
    def from_openlineage(cls, namespace: str, name: str, mesh: str) -> Name:
        if namespace != f"fairmesh://{mesh}":
            raise _invalid(name, f"the namespace {namespace!r} is not of this mesh")
        return cls.parse(name)


def is_under(name: str, prefix: str) -> bool:
    """True when `name` equals `prefix` or lies below it; `/` is above everything."""
    return prefix == "/" or name == prefix or name.startswith(prefix + "/")


def segment_uri(name: Name, segment: int) -> str:
    """Return the NDN URI of one segment of a file."""
    return f"{name.to_ndn()}/{NDN_SEGMENT}={segment}"


def ark(naan: int | str, opaque: str) -> str:
    """Return the ARK of an opaque id. Hyphens are not significant in an ARK: refuse them."""
    if not re.fullmatch(r"[a-z0-9]+", opaque):
        raise InvalidName(f"The ARK id {opaque!r} may hold only a-z and 0-9.", name=opaque)
    return f"ark:/{naan}/{opaque}"


def encode_path(path: str) -> str:
    """Percent-encode a file path for a name or an address; `/` stays."""
    return quote(path, safe="/")


def decode_path(encoded: str) -> str:
    """Return the path that `encode_path` wrote; raise InvalidName for any other spelling.

    One path has one spelling: `%41` for `A` would give two names to one file.
    """
    try:
        path = unquote_to_bytes(encoded).decode()
    except UnicodeDecodeError as error:
        raise _invalid(encoded, "its percent-encoding is not UTF-8") from error
    if encode_path(check_path(path)) != encoded:
        raise _invalid(encoded, f"write the path as {encode_path(path)!r}")
    return path


def check_path(path: str) -> str:
    """Return `path` when it may name a file below a version; raise InvalidName otherwise."""
    if not path or path.startswith("/") or path.endswith("/"):
        raise _invalid(path, "a file path neither is empty nor begins or ends with '/'")
    if any(part in {"", ".", ".."} for part in path.split("/")):
        raise _invalid(path, "a file path has no empty part, '.' or '..'")
    if path.split("/")[0] == ".fairmesh":
        raise _invalid(path, "'.fairmesh/' is kept for seals and manifests")
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in path):
        raise _invalid(path, "a file path holds no control characters")
    try:
        length = len(path.encode())
    except UnicodeEncodeError as error:
        raise _invalid(repr(path), "it is not valid Unicode") from error
    if length > MAX_PATH_BYTES:
        raise _invalid(path[:60] + "…", f"a file path has at most {MAX_PATH_BYTES} bytes")
    return path


def _split_at_marker(text: str, parts: list[str]) -> tuple[list[str], str | None, list[str]]:
    if MARKER not in parts:
        return parts, None, []
    at = parts.index(MARKER)
    if at == 0:
        raise _invalid(text, "a product stands in a domain, as in /acme/~/wiki")
    if at + 1 >= len(parts):
        raise _invalid(text, "the product is missing after '~'")
    return parts[:at], parts[at + 1], parts[at + 2 :]


def _check_component(text: str, part: str) -> None:
    if not COMPONENT.fullmatch(part):
        raise _invalid(
            text,
            f"the component {part!r} must begin with a-z or 0-9 and go on with "
            "a-z, 0-9, '.', '_' or '-', 64 characters at most",
        )


def _invalid(name: str, why: str) -> InvalidName:
    return InvalidName(f"The name {name!r} is not valid: {why}.", name=name)
