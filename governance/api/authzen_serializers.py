"""The shapes of AuthZEN on the wire. Source: OpenID AuthZEN Authorization API 1.0."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

Data = dict[str, Any]
MOST_EVALUATIONS, MOST_RESULTS = 500, 500


class SubjectIn(serializers.Serializer[Data]):
    type = serializers.CharField(max_length=64)
    id = serializers.CharField(max_length=150)
    properties = serializers.DictField(required=False)


class ResourceIn(serializers.Serializer[Data]):
    type = serializers.CharField(max_length=64)
    id = serializers.CharField(max_length=1500)
    properties = serializers.DictField(required=False)


class TypeIn(serializers.Serializer[Data]):
    """What is searched for: its type alone; an id that is given does not count."""

    type = serializers.CharField(max_length=64)


class ActionIn(serializers.Serializer[Data]):
    name = serializers.CharField(max_length=64)
    properties = serializers.DictField(required=False)


class ContextIn(serializers.Serializer[Data]):
    """The circumstances that our policies know of; others are taken and do not count."""

    purpose = serializers.CharField(max_length=64, default="", allow_blank=True)
    site = serializers.CharField(max_length=64, default="", allow_blank=True)
    jurisdictions = serializers.ListField(child=serializers.CharField(), default=list)


class Situated(serializers.Serializer[Data]):
    """Whatever is asked in some circumstances."""

    context = ContextIn(required=False)  # type: ignore[assignment]  # a field, not its context


class EvaluationIn(Situated):
    subject = SubjectIn()
    action = ActionIn()
    resource = ResourceIn()


class OptionsIn(serializers.Serializer[Data]):
    evaluations_semantic = serializers.ChoiceField(
        choices=["execute_all", "deny_on_first_deny", "permit_on_first_permit"],
        default="execute_all",
    )


class EvaluationsIn(Situated):
    """Defaults, and evaluations that may each say something else."""

    subject = SubjectIn(required=False)
    action = ActionIn(required=False)
    resource = ResourceIn(required=False)
    evaluations = serializers.ListField(
        child=serializers.DictField(), default=list, max_length=MOST_EVALUATIONS
    )
    options = OptionsIn(required=False)


class PageIn(serializers.Serializer[Data]):
    token = serializers.CharField(max_length=2000, default="", allow_blank=True)
    limit = serializers.IntegerField(min_value=1, max_value=MOST_RESULTS, default=100)


class SubjectSearchIn(Situated):
    subject = TypeIn()
    action = ActionIn()
    resource = ResourceIn()
    page = PageIn(required=False)


class ResourceSearchIn(Situated):
    subject = SubjectIn()
    action = ActionIn()
    resource = TypeIn()
    page = PageIn(required=False)


class ActionSearchIn(Situated):
    subject = SubjectIn()
    resource = ResourceIn()
    page = PageIn(required=False)


class EvaluationOut(serializers.Serializer[Data]):
    decision = serializers.BooleanField()
    context = serializers.DictField(required=False)  # type: ignore[assignment]


class EvaluationsOut(serializers.Serializer[Data]):
    evaluations = EvaluationOut(many=True)


class PageOut(serializers.Serializer[Data]):
    next_token = serializers.CharField(allow_blank=True)


class FoundOut(serializers.Serializer[Data]):
    results = serializers.ListField(child=serializers.DictField())
    page = PageOut()
