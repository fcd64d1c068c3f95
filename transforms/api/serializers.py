"""The shapes of transforms on the wire: `…In` is parsed, `…Out` is rendered."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.models import VersionState
from transforms.api.rendering import render_statistics
from transforms.engine.run_diff import Change, Difference, FileChanges
from transforms.engine.spec import read_spec
from transforms.engine.statistics import statistics
from transforms.models import Pipeline, Run, RunState
from transforms.services.backfills import Backfill, Choice, Chosen

Data = dict[str, Any]


class PipelineIn(serializers.Serializer[Data]):
    """Give the document as `spec`, or as `text` in YAML or JSON."""

    name = serializers.SlugField(max_length=100)
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
        return [pipeline.source.name]


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


class PlanColumnOut(serializers.Serializer[Data]):
    name = serializers.CharField()
    type = serializers.CharField()


class PlanSchemaOut(serializers.Serializer[Data]):
    step = serializers.CharField()
    columns = PlanColumnOut(many=True)


class ColumnUseOut(serializers.Serializer[Data]):
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


class PipelinePlanOut(serializers.Serializer[Data]):
    inputs = PlanInputOut(many=True)
    schemas = PlanSchemaOut(many=True)
    shards = serializers.IntegerField()
    stages = serializers.IntegerField()
    bytes = serializers.IntegerField()
    column_map = serializers.DictField(child=ColumnUseOut(many=True))
    verdicts = PlanVerdictOut(many=True)
    labels = PlanLabelOut(many=True)
    run_digest = serializers.CharField()
    would_skip = serializers.CharField(
        allow_null=True, help_text="The version that a run would make, if it is there already."
    )


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


class QuarantineOut(serializers.Serializer[Data]):
    rows = SetAsideOut(many=True)


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


class RunOut(serializers.ModelSerializer[Run]):
    """A run; query it with selectors.visible_runs. Counts are null until all shards are done."""

    pipeline = serializers.CharField(source="pipeline.name")
    pipeline_id = serializers.UUIDField()
    inputs = serializers.SerializerMethodField()
    output = serializers.CharField(source="target.name")
    output_version = serializers.SerializerMethodField()
    policies = serializers.ListField(child=serializers.CharField())
    rows_in = serializers.SerializerMethodField()
    documents = serializers.SerializerMethodField()
    rows_out = serializers.SerializerMethodField()
    dropped = serializers.SerializerMethodField()
    quarantined = serializers.SerializerMethodField()
    tokens = serializers.SerializerMethodField()
    counts = serializers.SerializerMethodField()
    verdicts = serializers.DictField()
    shards_done = serializers.IntegerField()
    shards_reused = serializers.SerializerMethodField()
    bytes_in = serializers.SerializerMethodField()
    bytes_out = serializers.SerializerMethodField()
    seconds = serializers.SerializerMethodField()
    step_seconds = serializers.SerializerMethodField()

    class Meta:
        model = Run
        fields = [
            "id", "pipeline", "pipeline_id", "state", "reason_code", "reason", "policies",
            "inputs", "output", "output_version", "rows_in", "documents", "rows_out", "dropped",
            "quarantined",
            "tokens", "counts", "verdicts", "shards_total", "shards_done", "shards_reused",
            "bytes_in", "bytes_out", "seconds", "step_seconds", "asked_by", "attempt",
            "next_attempt_at", "run_digest", "purpose", "policy", "created_at", "started_at",
            "finished_at",
        ]  # fmt: skip

    def get_inputs(self, run: Run) -> list[str]:
        return [run.input_version.name]

    def get_output_version(self, run: Run) -> str | None:
        """Return the name of the published result; a draft is nobody's to see."""
        version = run.output_version
        return None if version is None or version.state == VersionState.DRAFT else version.name

    def get_rows_in(self, run: Run) -> int | None:
        return _count(run, "rows_in")

    def get_documents(self, run: Run) -> int | None:
        return _count(run, "documents")

    def get_rows_out(self, run: Run) -> int | None:
        return _count(run, "rows_out")

    def get_dropped(self, run: Run) -> dict[str, int]:
        return dict((run.report or {}).get("dropped", {}))

    def get_quarantined(self, run: Run) -> int | None:
        return _count(run, "quarantined")

    def get_tokens(self, run: Run) -> int | None:
        tokens: int | None = (run.report or {}).get("counts", {}).get("tokens")
        return tokens

    def get_counts(self, run: Run) -> dict[str, int]:
        return dict((run.report or {}).get("counts", {}))

    def get_shards_reused(self, run: Run) -> int | None:
        """Return how many shards were copied from an earlier run instead of done again."""
        return _count(run, "shards_reused")

    def get_bytes_in(self, run: Run) -> int | None:
        return _count(run, "bytes_in")

    def get_bytes_out(self, run: Run) -> int | None:
        return _count(run, "bytes_out")

    def get_seconds(self, run: Run) -> float | None:
        """Return the time on the clock from the first start to the end."""
        if run.started_at is None or run.finished_at is None:
            return None
        return round((run.finished_at - run.started_at).total_seconds(), 3)

    def get_step_seconds(self, run: Run) -> dict[str, float]:
        """Return the seconds of work by step, summed over the shards."""
        spent = (run.report or {}).get("seconds", {})
        return {step: round(each, 3) for step, each in spent.items()}


class LengthOut(serializers.Serializer[Any]):
    upto = serializers.IntegerField(help_text="The most tokens: a power of two, above half of it.")
    documents = serializers.IntegerField()


class LanguageOut(serializers.Serializer[Any]):
    language = serializers.CharField()
    documents = serializers.IntegerField()


class RunStepOut(serializers.Serializer[Any]):
    step = serializers.CharField()
    seconds = serializers.FloatField()
    megabytes_per_second = serializers.FloatField(allow_null=True)


class StatisticsOut(serializers.Serializer[Any]):
    """What the shards' counts add up to; null where no step of the pipeline tells it."""

    tokens = serializers.IntegerField(allow_null=True)
    lengths = LengthOut(many=True)
    languages = LanguageOut(many=True)
    duplicates = serializers.FloatField(allow_null=True)
    pack_fill = serializers.FloatField(allow_null=True)
    steps = RunStepOut(many=True)
    core_seconds = serializers.FloatField()
    cost = serializers.FloatField(allow_null=True)
    cost_per_million_tokens = serializers.FloatField(allow_null=True)


DiffIn = type(
    "DiffIn",
    (serializers.Serializer,),
    {"with": serializers.UUIDField()},  # a keyword
)


class DifferenceOut(serializers.Serializer[Change]):
    where = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class FileChangesOut(serializers.Serializer[FileChanges]):
    equal = serializers.IntegerField()
    changed = serializers.IntegerField()
    added = serializers.IntegerField()
    removed = serializers.IntegerField()
    sample = DifferenceOut(many=True, help_text="The first that are not equal, with their sha256.")


class RunDiffOut(serializers.Serializer[Difference]):
    """In what the second run differs from the first; an empty list is no difference."""

    document = DifferenceOut(many=True)
    made_with = DifferenceOut(
        many=True,
        allow_null=True,
        help_text="Versions of engine, operators, writer and libraries, digests of tokenizers; "
        "null when they are not known of both runs.",
    )
    inputs = DifferenceOut(many=True, help_text="Versions that were read, with their digests.")
    counts = DifferenceOut(
        many=True, help_text="Rows and reasons by step, tokens and other counts."
    )
    files = FileChangesOut(
        allow_null=True, help_text="Of the results; null unless both are published."
    )


class RunDetailOut(RunOut):
    """One run, with its statistics; they are null until it is done."""

    statistics = serializers.SerializerMethodField()

    class Meta(RunOut.Meta):
        fields = [*RunOut.Meta.fields, "statistics"]

    @extend_schema_field(StatisticsOut(allow_null=True))
    def get_statistics(self, run: Run) -> dict[str, Any] | None:
        """Return null until the run is done."""
        if run.report is None:
            return None
        found = statistics(read_spec(run.spec), run.report, settings.FAIRMESH.core_hour_price)
        return render_statistics(found)


def _count(run: Run, name: str) -> int | None:
    counted: int | None = (run.report or {}).get(name)
    return counted


class CardOut(serializers.Serializer[Any]):
    markdown = serializers.CharField()
    croissant = serializers.DictField(help_text="Members of the vocabulary for responsible AI.")
