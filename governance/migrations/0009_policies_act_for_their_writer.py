"""A policy notes for whom its pipelines run; those that are there name none."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("governance", "0008_port_subscriptions")]

    operations = [
        migrations.AddField(
            model_name="policy",
            name="acts_for",
            field=models.CharField(blank=True, max_length=150, default=""),
            preserve_default=False,
        ),
    ]
