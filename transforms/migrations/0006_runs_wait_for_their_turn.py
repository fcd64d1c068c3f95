"""A run may wait for the end of another, so that a backfill takes one at a time."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("transforms", "0005_shards_are_found_by_their_digest")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="after",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="followers",
                to="transforms.run",
            ),
        ),
    ]
