import core.ids
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("governance", "0005_labels")]
    operations = [
        migrations.CreateModel(
            name="ErasureOrder",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=500)),
                (
                    "kind",
                    models.CharField(
                        choices=[("order", "Order"), ("retention", "Retention")], max_length=16
                    ),
                ),
                (
                    "cascade",
                    models.CharField(
                        choices=[("none", "None"), ("derived", "Derived")],
                        default="none",
                        max_length=16,
                    ),
                ),
                (
                    "registered",
                    models.CharField(
                        choices=[("keep", "Keep"), ("delete", "Delete")],
                        default="keep",
                        max_length=16,
                    ),
                ),
                ("reason", models.TextField()),
                ("basis", models.CharField(max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "Proposed"),
                            ("approved", "Approved"),
                            ("acting", "Acting"),
                            ("done", "Done"),
                            ("cancelled", "Cancelled"),
                            ("blocked", "Blocked"),
                        ],
                        default="proposed",
                        max_length=16,
                    ),
                ),
                ("reason_code", models.CharField(blank=True, max_length=64)),
                ("why", models.TextField(blank=True)),
                ("plan", models.JSONField(default=dict)),
                ("plan_digest", models.CharField(blank=True, max_length=71)),
                ("proposed_by", models.CharField(max_length=150)),
                ("proposed_at", models.DateTimeField(auto_now_add=True)),
                ("due_at", models.DateTimeField(null=True)),
                ("approved_by", models.CharField(blank=True, max_length=150)),
                ("approved_at", models.DateTimeField(null=True)),
                ("ended_by", models.CharField(blank=True, max_length=150)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("statement", models.JSONField(null=True)),
                ("next_attempt_at", models.DateTimeField(null=True)),
                ("lease_owner", models.CharField(blank=True, max_length=128)),
                ("lease_until", models.DateTimeField(null=True)),
                ("fence", models.PositiveIntegerField(default=0)),
            ],
            options={
                "indexes": [models.Index(fields=["state", "next_attempt_at"], name="erasure_due")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("state__in", ["acting", "approved", "blocked", "proposed"])
                        ),
                        fields=("name", "kind"),
                        name="one_open_erasure",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                ["proposed", "approved", "acting", "done", "cancelled", "blocked"],
                            )
                        ),
                        name="erasure_state_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ["approved", "acting", "done"]), _negated=True),
                            models.Q(("approved_by", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="erasure_is_approved",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "done"), _negated=True),
                            ("statement__isnull", False),
                            _connector="OR",
                        ),
                        name="done_erasure_is_signed",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LegalHold",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=500)),
                ("reference", models.CharField(max_length=200)),
                ("reason", models.TextField()),
                ("placed_by", models.CharField(max_length=150)),
                ("placed_at", models.DateTimeField(auto_now_add=True)),
                ("lift_asked_by", models.CharField(blank=True, max_length=150)),
                ("lift_reason", models.TextField(blank=True)),
                ("lifted_by", models.CharField(blank=True, max_length=150)),
                ("lifted_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["name"], name="hold_by_name")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("lifted_at__isnull", True)),
                        fields=("name", "reference"),
                        name="one_standing_hold",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("lifted_at__isnull", True),
                            models.Q(
                                models.Q(("lifted_by", ""), _negated=True),
                                models.Q(("lift_asked_by", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="two_people_lift_a_hold",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ErasureAsk",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=500)),
                ("agreed_by", models.CharField(blank=True, max_length=150)),
                ("agreed_at", models.DateTimeField(null=True)),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="asks",
                        to="governance.erasureorder",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["name"], name="erasure_ask_by_name")],
                "constraints": [
                    models.UniqueConstraint(fields=("order", "name"), name="one_erasure_ask")
                ],
            },
        ),
        migrations.CreateModel(
            name="ErasureReceipt",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("version", "Version"),
                            ("replica", "Replica"),
                            ("derived", "Derived"),
                            ("index", "Index"),
                            ("lineage", "Lineage"),
                            ("quarantine", "Quarantine"),
                            ("cache", "Cache"),
                            ("preview", "Preview"),
                            ("upload-part", "Upload"),
                        ],
                        max_length=16,
                    ),
                ),
                ("name", models.CharField(max_length=500)),
                ("version_id", models.UUIDField(null=True)),
                ("place", models.CharField(max_length=64)),
                ("base", models.TextField(blank=True)),
                ("details", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("erased", "Erased"),
                            ("kept", "Kept"),
                            ("failed", "Failed"),
                        ],
                        default="pending",
                        max_length=16,
                    ),
                ),
                ("reason_code", models.CharField(blank=True, max_length=64)),
                ("reason", models.TextField(blank=True)),
                ("evidence", models.JSONField(default=dict)),
                ("attempt", models.PositiveIntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField(null=True)),
                ("settled_at", models.DateTimeField(null=True)),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="receipts",
                        to="governance.erasureorder",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["order", "state"], name="receipts_of_an_order")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("order", "kind", "name", "place", "base"),
                        name="one_receipt_per_place",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["pending", "erased", "kept", "failed"])),
                        name="receipt_state_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "version",
                                    "replica",
                                    "derived",
                                    "index",
                                    "lineage",
                                    "quarantine",
                                    "cache",
                                    "preview",
                                    "upload-part",
                                ],
                            )
                        ),
                        name="receipt_kind_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state", "pending"), ("settled_at__isnull", False), _connector="OR"
                        ),
                        name="final_receipt_is_dated",
                    ),
                ],
            },
        ),
    ]
