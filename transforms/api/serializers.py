"""The shapes of pipelines on the wire: `…In` is parsed, `…Out` is rendered."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from transforms.api.documents_serializers import DocumentIn
from transforms.models import Pipeline, RunState
from transforms.services.backfills import Backfill, Choice, Chosen

Data = dict[str, Any]


class PipelineIn(DocumentIn):
    name = serializers.SlugField(max_length=100)


class PipelineOut(serializers.ModelSerializer[Pipeline]):
    inputs = serializers.SerializerMethodField()
    output = serializers.CharField(source="target.name")
    spec = serializers.DictField()

    class Meta:
        model = Pipeline
        fields = [
            "id", "name", "inputs", "output", "spec", "digest", "revision", "created_by",
            "created_at", "updated_at",
        ]  # fmt: skip

    def get_inputs(self, pipeline: Pipeline) -> list[str]:
        return [each["name"] for each in pipeline.spec["inputs"]]


class LastRunOut(serializers.Serializer[Data]):
    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=RunState.choices)
    at = serializers.DateTimeField(help_text="When it ended, or was asked for.")


class PipelineListOut(PipelineOut):
    """A pipeline; query it with selectors.listed_pipelines."""

    last_run = serializers.SerializerMethodField()

    class Meta(PipelineOut.Meta):
        fields = [*PipelineOut.Meta.fields, "last_run"]

    @extend_schema_field(LastRunOut(allow_null=True))
    def get_last_run(self, pipeline: Any) -> Data | None:
        """Return null for a pipeline of whose runs one may know none."""
        if pipeline.last_run_id is None:
            return None
        names = ("id", "state", "at")
        return dict(
            LastRunOut({name: getattr(pipeline, f"last_run_{name}") for name in names}).data
        )


class PlanInputOut(serializers.Serializer[Data]):
    name = serializers.CharField()
    digest = serializers.CharField()
    files = serializers.IntegerField()
    bytes = serializers.IntegerField()
    looked_up_by = serializers.ListField(
        child=serializers.CharField(),
        help_text="The steps that look it up; none for an input whose rows go through the steps.",
    )


class PlanColumnOut(serializers.Serializer[Data]):
    name = serializers.CharField()
    type = serializers.CharField()


class PlanSchemaOut(serializers.Serializer[Data]):
    step = serializers.CharField()
    columns = PlanColumnOut(many=True)


class ColumnUseOut(serializers.Serializer[Data]):
    input = serializers.CharField(help_text="The version that the column is of.")
    column = serializers.CharField()
    kind = serializers.CharField()
    subtype = serializers.CharField()
    masking = serializers.BooleanField()


class PlanVerdictOut(serializers.Serializer[Data]):
    action = serializers.CharField()
    name = serializers.CharField()
    allow = serializers.BooleanField()
    policies = serializers.ListField(child=serializers.CharField())
    reason = serializers.CharField()


PlanLabelOut = type(
    "PlanLabelOut",
    (serializers.Serializer,),
    {"label": serializers.CharField(), "from": serializers.CharField()},  # a keyword
)


class PlanPieceOut(serializers.Serializer[Data]):
    path = serializers.CharField()
    start = serializers.IntegerField(
        help_text="Of bytes, or of row groups, batches or stripes where the format has them."
    )
    end = serializers.IntegerField()


class PlanShardOut(serializers.Serializer[Data]):
    index = serializers.IntegerField()
    input = serializers.CharField()
    bytes = serializers.IntegerField()
    done = serializers.BooleanField(help_text="An earlier run did it; its result is copied.")
    files = serializers.IntegerField()
    pieces = PlanPieceOut(many=True, help_text="The first five.")


class ReadByOneOut(serializers.Serializer[Data]):
    path = serializers.CharField()
    bytes = serializers.IntegerField()
    reason = serializers.CharField()


class EstimateOut(serializers.Serializer[Data]):
    """What a run would do and cost, by the last run of the pipeline; null without one."""

    shards_done = serializers.IntegerField(help_text="Shards that an earlier run did.")
    bytes_to_do = serializers.IntegerField()
    like = serializers.CharField(allow_null=True, help_text="The run by which it is estimated.")
    core_seconds = serializers.FloatField(allow_null=True)
    output_bytes = serializers.IntegerField(allow_null=True)
    money = serializers.FloatField(
        allow_null=True,
        help_text="Work, requests and a month of the result; null where nothing has a price.",
    )


class PipelinePlanOut(serializers.Serializer[Data]):
    inputs = PlanInputOut(many=True)
    schemas = PlanSchemaOut(many=True)
    shards = serializers.IntegerField()
    shard_list = PlanShardOut(many=True, help_text="The first 200.")
    read_by_one = ReadByOneOut(
        many=True, help_text="What is longer than a shard and cannot be cut: one worker reads it."
    )
    stages = serializers.IntegerField()
    bytes = serializers.IntegerField()
    column_map = serializers.DictField(child=ColumnUseOut(many=True))
    verdicts = PlanVerdictOut(many=True)
    labels = PlanLabelOut(many=True)
    run_digest = serializers.CharField()
    would_skip = serializers.CharField(
        allow_null=True, help_text="The version that a run would make, if it is there already."
    )
    estimate = EstimateOut()


class PurposeIn(serializers.Serializer[Data]):
    """What it is for. A grant for a purpose is good for what states it."""

    purpose = serializers.CharField(max_length=64, default="", allow_blank=True)


class SampleIn(PurposeIn):
    rows = serializers.IntegerField(min_value=1, max_value=200, default=20)


class SampledRowOut(serializers.Serializer[Data]):
    before = serializers.DictField()
    after = serializers.DictField(allow_null=True)
    dropped_by = serializers.CharField(allow_null=True)


class SetAsideOut(serializers.Serializer[Data]):
    source = serializers.CharField()  # type: ignore[assignment]  # a field may have this name
    byte_offset = serializers.IntegerField()
    raw = serializers.CharField()
    error = serializers.CharField()


class SampleOut(serializers.Serializer[Data]):
    rows = SampledRowOut(many=True)
    output = serializers.ListField(child=serializers.DictField())
    quarantined = SetAsideOut(many=True)


BackfillRange = type(
    "BackfillRange",
    (serializers.Serializer,),
    {
        "from": serializers.IntegerField(min_value=1, help_text="The first version, by number."),
        "to": serializers.IntegerField(min_value=1, help_text="The last version."),
    },  # a keyword
)


class BackfillIn(PurposeIn, BackfillRange):  # type: ignore[misc,valid-type]  # made by type()
    dry_run = serializers.BooleanField(default=False, help_text="Tell, and queue nothing.")


class BackfillVersionOut(serializers.Serializer[Chosen]):
    version = serializers.CharField(source="version.name")
    files = serializers.IntegerField(source="version.files")
    bytes = serializers.IntegerField(
        help_text="Of input to work through; what an equal shard of an earlier run did is not in."
    )
    action = serializers.ChoiceField(choices=[str(each) for each in Choice])
    reason_code = serializers.CharField()
    reason = serializers.CharField()
    result = serializers.CharField(
        allow_null=True, help_text="The version that is there already, of one that is skipped."
    )
    run = serializers.UUIDField(
        allow_null=True, help_text="The run that was queued, or is under way."
    )


class BackfillOut(serializers.Serializer[Backfill]):
    pipeline = serializers.CharField()
    dry_run = serializers.BooleanField()
    runs = serializers.IntegerField(help_text="How many versions are to be run.")
    bytes = serializers.IntegerField()
    versions = BackfillVersionOut(many=True)
