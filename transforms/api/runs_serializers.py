"""The shapes of runs on the wire: `…In` is parsed, `…Out` is rendered."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.models import VersionState
from transforms.api.rendering import render_looked_up, render_statistics, render_steps
from transforms.api.serializers import SetAsideOut
from transforms.engine.run_diff import Change, Difference, FileChanges
from transforms.engine.spec import read_spec
from transforms.engine.statistics import statistics
from transforms.models import Run
from transforms.services.sources import versions_of


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
        return [each.name for each in versions_of(run)]

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


class StepRowsOut(serializers.Serializer[Any]):
    step = serializers.CharField(help_text="As problems name it, such as `steps[2].filter`.")
    rows_in = serializers.IntegerField()
    rows_out = serializers.IntegerField()
    dropped = serializers.DictField(
        child=serializers.IntegerField(), help_text="By reason. A packing step drops none."
    )


class LookedUpInputOut(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="The version that was read.")
    steps = serializers.ListField(child=serializers.CharField())


class LookedUpOut(serializers.Serializer[Any]):
    """The inputs that steps look up, whose rows are in no other count of the run."""

    inputs = LookedUpInputOut(many=True)
    rows = serializers.IntegerField(allow_null=True, help_text="Null until the run is done.")
    quarantined = serializers.IntegerField(allow_null=True)


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
    steps = serializers.SerializerMethodField()
    looked_up = serializers.SerializerMethodField()

    class Meta(RunOut.Meta):
        fields = [*RunOut.Meta.fields, "statistics", "steps", "looked_up"]

    @extend_schema_field(StatisticsOut(allow_null=True))
    def get_statistics(self, run: Run) -> dict[str, Any] | None:
        """Return null until the run is done."""
        if run.report is None:
            return None
        found = statistics(read_spec(run.spec), run.report, settings.FAIRMESH.core_hour_price)
        return render_statistics(found)

    @extend_schema_field(StepRowsOut(many=True, allow_null=True))
    def get_steps(self, run: Run) -> list[dict[str, Any]] | None:
        """Return the rows of each step in order; null until it is done, or of an older run."""
        counted = (run.report or {}).get("steps")
        return None if counted is None else render_steps(read_spec(run.spec), counted)

    @extend_schema_field(LookedUpOut(allow_null=True))
    def get_looked_up(self, run: Run) -> dict[str, Any] | None:
        """Return null for a run whose steps look nothing up."""
        return render_looked_up(read_spec(run.spec), versions_of(run), run.report or {})


def _count(run: Run, name: str) -> int | None:
    counted: int | None = (run.report or {}).get(name)
    return counted


class CardOut(serializers.Serializer[Any]):
    markdown = serializers.CharField()
    croissant = serializers.DictField(help_text="Members of the vocabulary for responsible AI.")


class QuarantineOut(serializers.Serializer[Any]):
    rows = SetAsideOut(many=True)
