"""A run keeps the versions of what it was made with, so that two runs can be told apart.

Runs that are there have none: it is not known any more.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("transforms", "0006_runs_wait_for_their_turn")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="made_with",
            field=models.JSONField(null=True),
        ),
    ]
