"""The addresses of stores: their list, and changes of their keys, address and terms."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.pagination import ByName
from governance.api.authentication import principal_of
from movement import selectors, services
from movement.api import store_serializers as shapes
from movement.models import Store


class StoresView(ListAPIView[Store]):
    serializer_class = shapes.StoreOut
    pagination_class = ByName
    queryset = Store.objects.none()

    def get_queryset(self) -> Any:
        return selectors.stores(principal_of(self.request))

    def get_serializer_context(self) -> dict[str, Any]:
        operator = selectors.is_operator(principal_of(self.request))
        return {**super().get_serializer_context(), "operator": operator}

    @extend_schema(request=shapes.StoreIn, responses={201: shapes.StoreOut})
    def post(self, request: Request) -> Response:
        """Register a store once it answers. Not under an idempotency key: that would hold a
        transaction while the store is asked; a repeat is told that the name is taken."""
        body = shapes.StoreIn(data=request.data)
        body.is_valid(raise_exception=True)
        store = services.create_store(principal_of(request), **body.validated_data)
        return Response(shapes.StoreOut(store, context={"operator": True}).data, status=201)


class StoreView(APIView):
    @extend_schema(request=shapes.StorePatch, responses=shapes.StoreOut)
    def patch(self, request: Request, name: str) -> Response:
        """Change keys, address or terms of a store. It is asked before anything is written."""
        body = shapes.StorePatch(data=request.data)
        body.is_valid(raise_exception=True)
        principal = principal_of(request)
        services.change_store(principal, name, **body.validated_data)
        store = selectors.stores(principal).get(name=name)
        return Response(shapes.StoreOut(store, context={"operator": True}).data)
