"""Runs tell which policy asked for them; a schedule says when a policy's next one is due."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("transforms", "0003_run_on_behalf_of")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="policy",
            field=models.CharField(blank=True, max_length=64, default=""),
            preserve_default=False,
        ),
        migrations.CreateModel(
            name="Schedule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("policy", models.CharField(max_length=64)),
                ("every", models.CharField(max_length=16)),
                ("next_at", models.DateTimeField(db_index=True)),
                (
                    "pipeline",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="schedules",
                        to="transforms.pipeline",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="schedule",
            constraint=models.UniqueConstraint(
                fields=("policy", "pipeline"), name="one_schedule"
            ),
        ),
    ]
