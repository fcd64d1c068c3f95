"""A shard is found by its digest, so that an equal one of a later run need not be done again.

Shards that are there have none: what they gave is not taken over.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("transforms", "0004_policies_run_pipelines")]

    operations = [
        migrations.AddField(
            model_name="runshard",
            name="digest",
            field=models.CharField(blank=True, max_length=71, default=""),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name="runshard",
            index=models.Index(
                condition=~models.Q(digest=""), fields=["digest"], name="shard_of_a_digest"
            ),
        ),
    ]
