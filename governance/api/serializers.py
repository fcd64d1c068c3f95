"""The shapes of governance on the wire: `…In` is parsed, `…Out` is rendered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from governance.models import (
    Label,
)

Data = dict[str, Any]


class LabelIn(serializers.Serializer[Data]):
    name = serializers.CharField(max_length=500)
    label = serializers.CharField(max_length=100)  # type: ignore[assignment]  # a field, not its text
    column = serializers.CharField(max_length=300, default="", allow_blank=True)


class LabelOut(serializers.ModelSerializer[Label]):
    class Meta:
        model = Label
        fields = ["id", "name", "column", "label", "origin", "created_at", "created_by"]
