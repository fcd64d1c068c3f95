"""Transfers as server-sent events. See docs/how-to/watch-transfers.md."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.db.models import Q
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from core.errors import NotAuthenticated
from governance.api.authentication import principal_of, token_of_request, user_of
from governance.engine.entities import Principal
from governance.models import User
from governance.selectors import principal_for, token_of
from movement import live, selectors
from movement.api.versions import AnyMedia
from movement.api.views import PRODUCT, VERSION
from movement.engine.event_stream import MEDIA_TYPE
from movement.streams import Held, Places

_places = Places()
_ANSWER = {(200, MEDIA_TYPE): OpenApiTypes.STR}
_LAST = OpenApiParameter(
    "Last-Event-ID", str, OpenApiParameter.HEADER, description="Go on behind this event."
)


class TransferEventsView(APIView):
    content_negotiation_class = AnyMedia

    @extend_schema(operation_id="transfer_events", parameters=[_LAST], responses=_ANSWER)
    def get(self, request: Request, transfer_id: UUID) -> StreamingHttpResponse:
        """Tell of one transfer as it goes on, until it has ended."""
        selectors.transfer_by_id(principal_of(request), transfer_id)
        return _stream(request, Q(pk=transfer_id), whole=True, until_all_ended=True)


class TransfersEventsView(APIView):
    content_negotiation_class = AnyMedia

    @extend_schema(
        operation_id="transfers_events", parameters=[PRODUCT, VERSION, _LAST], responses=_ANSWER
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Tell of all transfers you may know of; of a version or product, until all have ended."""
        product = request.query_params.get("product", "")
        version = request.query_params.get("version", "")
        which = Q(version__product__name=product) if product else Q()
        which &= selectors.of_version(version) if version else Q()
        ends = bool(version or product)
        return _stream(request, which, whole=bool(version), until_all_ended=ends)


def _stream(
    request: Request, which: Q, *, whole: bool, until_all_ended: bool
) -> StreamingHttpResponse:
    reader = user_of(request).username
    watch = live.Watch(
        which,
        lambda: _again(request),
        whole,
        until_all_ended,
        live.since_event(request.headers.get("Last-Event-ID", "")),
    )
    pieces = live.events(watch)
    give_back = _places.take(reader, settings.FAIRMESH.event_streams)
    answer = StreamingHttpResponse(Held(pieces, give_back), content_type=MEDIA_TYPE)
    answer["Cache-Control"] = "private, no-store"
    answer["Vary"] = "Authorization, Cookie"
    answer["X-Accel-Buffering"] = "no"  # a proxy that gathers pieces would tell everything late
    return answer


def _again(request: Request) -> Principal:
    """Return who asked, if their token or session still stands; raise NotAuthenticated."""
    if token_of_request(request) is not None:
        token = token_of(request.headers["Authorization"].partition(" ")[2].strip())
        return principal_for(token.user, token)
    session = request._request.session
    stands = session.session_key is not None and session.exists(session.session_key)
    user = get_user(request._request) if stands else None
    if not isinstance(user, User):
        raise NotAuthenticated("The session has ended.")
    return principal_for(user)
