"""The contract of a product. The view parses, asks one service, and renders."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog import services
from catalog.models import Contract
from catalog.selectors import contract_of
from core.yaml_text import read_yaml
from governance.api.authentication import principal_of


class ContractOut(serializers.ModelSerializer[Contract]):
    document = serializers.DictField()

    class Meta:
        model = Contract
        fields = ["revision", "digest", "document", "created_at"]


class ContractView(APIView):
    @extend_schema(responses=ContractOut)
    def get(self, request: Request, product_id: UUID) -> Response:
        """Return the newest revision; 404 while there is none."""
        return Response(ContractOut(contract_of(principal_of(request), product_id)).data)

    @extend_schema(request=OpenApiTypes.OBJECT, responses=ContractOut)
    def put(self, request: Request, product_id: UUID) -> Response:
        """Set the contract, an ODCS document; its classifications become labels at once.

        The body is the document, or `{"text": …}` with the document as YAML.
        """
        document: Any = request.data
        if isinstance(document, dict) and set(document) == {"text"}:
            document = read_yaml(str(document["text"]))
        contract = services.set_contract(principal_of(request), product_id, document)
        return Response(ContractOut(contract).data)
