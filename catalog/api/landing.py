"""The addresses of names themselves: landing pages, ARKs, and what the mesh is trusted by."""

from __future__ import annotations

import hashlib
import json
import re
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.cache import get_conditional_response, patch_vary_headers
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog import landing
from catalog.api import landing_html
from catalog.engine.croissant import linked_data
from catalog.engine.landing import FilePage, Mesh, Page, VersionPage, as_json
from catalog.engine.signposting import link_header
from core.errors import InvalidName, NotFound
from core.names import Name
from governance.api.authentication import principal_of
from governance.engine.entities import ANONYMOUS, Principal

VARY = ("Accept", "Cookie", "Authorization")
_ALIAS = re.compile(r"(?P<product>.+/~/[^/]+)/(?P<alias>latest|stable)")
_VERSIONED = re.compile(r"(?P<id>.+)\.v(?P<number>[1-9][0-9]{0,17})")


class Format(StrEnum):
    HTML = "text/html"
    JSON_LD = "application/ld+json"
    JSON = "application/json"


SUFFIXES = {".jsonld": Format.JSON_LD, ".json": Format.JSON}


def mesh() -> Mesh:
    env = settings.FAIRMESH
    return Mesh(env.mesh, env.public_url.rstrip("/"), env.naan)


class _AnyType(BaseContentNegotiation):
    """The views below choose by themselves; REST framework knows JSON only."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class NameView(APIView):
    """What all addresses of names share: nobody's cache may show them to somebody else."""

    content_negotiation_class = _AnyType

    def handle_exception(self, error: Exception) -> Response:
        """Render a problem as a page for those who would rather have one."""
        response = super().handle_exception(error)
        if (
            self.request.get_preferred_type([Format.HTML, "application/problem+json"])
            == Format.HTML
        ):
            html = landing_html.problem(response.data, mesh())
            return _with_status(html, response)  # type: ignore[return-value]  # an HttpResponse is what Django needs
        return response

    def finalize_response(self, request: Request, response: Any, *args: Any, **kw: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kw)
        patch_vary_headers(response, VARY)
        response.setdefault("Cache-Control", "private, no-cache")
        return response


def _with_status(html: HttpResponse, like: Response) -> HttpResponse:
    html.status_code = like.status_code
    if challenge := like.get("WWW-Authenticate"):
        html["WWW-Authenticate"] = challenge
    return html


class LandingView(NameView):
    @extend_schema(exclude=True)
    def get(self, request: Request, address: str) -> HttpResponse:
        wanted = preferred(request)
        return _answer(request, principal_of(request), address, wanted)


class ArkView(NameView):
    @extend_schema(exclude=True)
    def get(self, request: Request, naan: str, opaque: str) -> HttpResponse:
        asked = f"ark:/{naan}/{opaque}"
        if naan != str(settings.FAIRMESH.naan):
            raise landing.absent(asked)
        found = _VERSIONED.fullmatch(opaque)
        number = int(found["number"]) if found else None
        plain = (found["id"] if found else opaque).replace("-", "")  # hyphens mean nothing
        name = landing.name_of_ark(principal_of(request), plain, number, asked)
        return HttpResponseRedirect(name.to_url_path())


class TrustView(APIView):
    """Addressed by clients before they know anything else of the mesh."""

    content_negotiation_class = _AnyType

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        document = landing.trust_document(principal_of(request), settings.FAIRMESH.mesh)
        headers = {"Cache-Control": "private, no-cache", "Vary": "Cookie, Authorization"}
        return Response(document, headers=headers)


def robots(request: HttpRequest) -> HttpResponse:
    """Search engines may read the landing pages; the rest is for people and programs."""
    rules = "User-agent: *\nAllow: /n/\nAllow: /ark:\nDisallow: /api/\n"
    return HttpResponse(rules, content_type="text/plain; charset=utf-8")


def preferred(request: Request) -> Format:
    """Return the format that `Accept` asks for; HTML when it is all the same."""
    found = request.get_preferred_type([*Format])
    if found is None and Format.JSON_LD in request.headers.get("Accept", ""):
        found = Format.JSON_LD  # with a profile, as Croissant has one
    if found is None:
        raise NotAcceptable(f"A name answers as {', '.join(Format)}.")
    return Format(found)


def _answer(request: Request, principal: Principal, address: str, wanted: Format) -> HttpResponse:
    """Answer for the name exactly as written, or else for the one before a suffix."""
    try:
        return _exact(request, principal, address, wanted, "")
    except (NotFound, InvalidName) as error:
        for suffix, format_of in SUFFIXES.items():
            if address.endswith(suffix):
                plain = address.removesuffix(suffix)
                return _exact(request, principal, plain, format_of, suffix)
        raise error


def _exact(
    request: Request, principal: Principal, address: str, wanted: Format, suffix: str
) -> HttpResponse:
    if alias := _ALIAS.fullmatch(address):
        product = _parse(alias["product"])
        name = landing.version_named(principal, product, alias["alias"])
        return _redirect(name, suffix, 307)
    found = landing.page_of(principal, _parse(address))
    if isinstance(found, landing.Moved):
        return _redirect(found.name, suffix, 301)
    return _conditional(request, _render(found, wanted), _cache_control(principal, found))


def _parse(address: str) -> Name:
    """Return the name at an address, whose file path Django has decoded already."""
    try:
        return Name.from_object_key(address)
    except InvalidName as error:
        error.status = 400  # type: ignore[misc]  # one instance: here the name is the address
        error.extra["where"] = f"/n/{address}"
        raise


def _redirect(name: Name, suffix: str, status: int) -> HttpResponse:
    return HttpResponse(status=status, headers={"Location": name.to_url_path() + suffix})


def _render(page: Page, wanted: Format) -> HttpResponse:
    here = mesh()
    if wanted is Format.HTML:
        response = landing_html.page(page, here)
    else:
        data = linked_data(page, here) if wanted is Format.JSON_LD else as_json(page, here)
        body = json.dumps(data, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1)
        response = HttpResponse(body, content_type=wanted)
    response["Link"] = link_header(page, here)
    if isinstance(page, VersionPage) and page.removed:
        response.status_code = 410
    return response


def _conditional(request: Request, response: HttpResponse, cache_control: str) -> HttpResponse:
    response["ETag"] = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    response["Cache-Control"] = cache_control
    if response.status_code != 200:
        return response
    answer = get_conditional_response(request, etag=response["ETag"], response=response)
    return answer if isinstance(answer, HttpResponse) else response


def _cache_control(principal: Principal, page: Page) -> str:
    """Versions never change, but the policy that shows them may: so public, and not for long."""
    version = page.version if isinstance(page, FilePage) else page
    if principal is ANONYMOUS and isinstance(version, VersionPage) and not version.removed:
        return "public, max-age=300, immutable"
    return "private, no-cache"
