"""Landing pages for people: one self-contained document, readable without script or portal."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from catalog.engine.croissant import linked_data
from catalog.engine.landing import (
    FilePage,
    Mesh,
    Page,
    ProductFacts,
    ProductPage,
    VersionPage,
    access_words,
    kind_of,
    name_of,
)
from catalog.engine.licenses import spdx_urls
from core.names import Name

_INERT = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
"""As JSON escapes, which no HTML parser can take for the end of the script element."""


def page(found: Page, mesh: Mesh) -> HttpResponse:
    """Render the page of a name; a removed version has a template of its own."""
    product = _product_of(found)
    kind = "removed" if isinstance(found, VersionPage) and found.removed else kind_of(found)
    license = _license_of(found)
    context: dict[str, Any] = {
        "page": found,
        "product": product,
        "version": found.version if isinstance(found, FilePage) else found,
        "kind": kind,
        "name": name_of(found),
        "crumbs": crumbs(Name.parse(name_of(found))),
        "license": license,
        "license_urls": spdx_urls(license),
        "access": product and access_words(product),
        "pid": _pid(found, mesh),
        "json_ld": script_safe(linked_data(found, mesh)),
    }
    return _document(f"landing/{kind}.html", context, mesh)


def problem(data: Mapping[str, Any], mesh: Mesh) -> HttpResponse:
    return _document("landing/problem.html", {"problem": data}, mesh)


def script_safe(data: Any) -> SafeString:
    """Return JSON that may stand in a script element, whatever its texts are."""
    text = json.dumps(data, cls=DjangoJSONEncoder, ensure_ascii=False)
    return mark_safe(text.translate(_INERT))


def crumbs(name: Name) -> list[tuple[str, str]]:
    """Return (text, name) of every name above and at `name`, from the top."""
    steps = [
        (name.domain[depth], str(Name(name.domain[: depth + 1])))
        for depth in range(len(name.domain))
    ]
    if name.product is not None:
        steps.append((name.product, str(name.product_name)))
    if name.version is not None:
        steps.append((f"v={name.version}", str(Name(name.domain, name.product, name.version))))
    if name.path is not None:
        steps.append((name.path, str(name)))
    return steps


def _document(template: str, context: dict[str, Any], mesh: Mesh) -> HttpResponse:
    style, policy = _style()
    body = render_to_string(template, {**context, "mesh": mesh, "style": style})
    response = HttpResponse(body, content_type="text/html; charset=utf-8")
    response["Content-Security-Policy"] = policy
    return response


@cache
def _style() -> tuple[SafeString, str]:
    """Return the style sheet, and the policy that lets the browser use it and nothing else."""
    css = render_to_string("landing/landing.css").strip()
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    return mark_safe(css), policy


def _product_of(found: Page) -> ProductFacts | None:
    if isinstance(found, FilePage):
        return found.version.product
    return found.product if isinstance(found, ProductPage | VersionPage) else None


def _license_of(found: Page) -> str:
    if isinstance(found, FilePage):
        return found.version.license
    if isinstance(found, VersionPage):
        return found.license
    return found.product.license if isinstance(found, ProductPage) else ""


def _pid(found: Page, mesh: Mesh) -> str:
    if isinstance(found, VersionPage):
        return mesh.pid(found.product.ark, found.number)
    return mesh.pid(found.product.ark) if isinstance(found, ProductPage) else ""
