"""The shapes of documents that are being written, and of what is wrong in them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from transforms.services.drafting import Checked

Data = dict[str, Any]


class DocumentIn(serializers.Serializer[Data]):
    """Give the document as `spec`, or as `text` in YAML or JSON."""

    spec = serializers.JSONField(required=False)
    text = serializers.CharField(max_length=1_000_000, required=False, trim_whitespace=False)
    purpose = serializers.CharField(
        max_length=64,
        default="",
        allow_blank=True,
        help_text="What you have access to the input for; not kept.",
    )

    def validate(self, attrs: Data) -> Data:
        if ("spec" in attrs) == ("text" in attrs):
            raise serializers.ValidationError("Give either `spec` or `text`.")
        return attrs


class DraftSampleIn(DocumentIn):
    rows = serializers.IntegerField(min_value=1, max_value=200, default=20)


class DraftProblemOut(serializers.Serializer[Data]):
    where = serializers.CharField(help_text="The path, such as `steps[2].tokenise.colum`.")
    message = serializers.CharField()
    suggestion = serializers.CharField(allow_null=True, help_text="What was probably meant.")
    line = serializers.IntegerField(allow_null=True, help_text="Of the text, from 1.")
    column = serializers.IntegerField(allow_null=True)


class CheckedOut(serializers.Serializer[Checked]):
    """Nothing stands in the way of saving where there are no problems."""

    problems = DraftProblemOut(many=True)
    not_compared = serializers.CharField(
        help_text="Why the columns were not compared with the input's; empty when they were."
    )
