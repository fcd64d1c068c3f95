import core.ids
import django.db.models.deletion
from django.db import migrations, models

STATES = ["draft", "validated", "simulated", "proposed", "approved", "active", "retired"]


class Migration(migrations.Migration):
    dependencies = [("governance", "0003_access")]
    operations = [
        migrations.CreateModel(
            name="PolicySetRecord",
            fields=[
                ("digest", models.CharField(max_length=71, primary_key=True, serialize=False)),
                ("policies", models.JSONField()),
                ("since", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="PolicySimulation",
            fields=[
                ("id", models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ("digest", models.CharField(max_length=71)),
                ("policy_set", models.CharField(max_length=71)),
                ("no_new_access", models.BooleanField(default=False)),
                ("passed", models.BooleanField()),
                ("result", models.JSONField()),
                ("created_by", models.CharField(max_length=150)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="simulations",
                        to="governance.policy",
                    ),
                ),
            ],
        ),
        migrations.RemoveConstraint(model_name="policy", name="policy_state_is_known"),
        migrations.AddField(model_name="policy", name="activated_at", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="policy", name="approved_by", field=models.CharField(blank=True, max_length=150)),
        migrations.AddField(model_name="policy", name="authors", field=models.JSONField(default=list)),
        migrations.AddField(model_name="policy", name="base", field=models.PositiveIntegerField(default=0)),
        migrations.AddField(model_name="policy", name="retired_at", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="policy", name="retirement_asked_by", field=models.CharField(blank=True, max_length=150)),
        migrations.AddField(model_name="policy", name="tests", field=models.JSONField(default=list)),
        migrations.AddField(model_name="policy", name="warnings", field=models.JSONField(default=list)),
        migrations.AlterField(
            model_name="policy",
            name="state",
            field=models.CharField(
                choices=[(state, state.title()) for state in STATES], max_length=16
            ),
        ),
        migrations.AddConstraint(
            model_name="policy",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", STATES)), name="policy_state_is_known"
            ),
        ),
    ]
