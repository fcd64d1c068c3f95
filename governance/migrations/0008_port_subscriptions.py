"""Requests become those of a subscription; a scan may be left out by a policy.

The subscriptions of the requests that are there are made in here, so that none is ever without.
"""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

import core.ids

AT_ONCE = 1000


def subscribe(apps, schema_editor):
    """Give every request the subscription of its consumer to its port; the first one begins it."""
    requests = apps.get_model("governance", "AccessRequest").objects
    subscriptions = apps.get_model("governance", "PortSubscription").objects
    made = {}
    begun = requests.order_by("created_at", "id").values_list(
        "id", "user_id", "team_id", "name", "port", "created_at"
    )
    for pk, user, team, name, port, at in begun.iterator(AT_ONCE):
        whose = {"user_id": None, "team_id": team} if team else {"user_id": user, "team_id": None}
        key = (*whose.values(), name, port)
        if key not in made:
            row = subscriptions.create(**whose, name=name, port=port, created_at=at)
            made[key] = row.pk
        requests.filter(pk=pk).update(subscription_id=made[key])
    # PostgreSQL changes no table on which a deferred check is still to be made
    schema_editor.connection.check_constraints()


class Migration(migrations.Migration):
    dependencies = [("governance", "0007_principals")]

    operations = [
        migrations.CreateModel(
            name="PortSubscription",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=500)),
                ("port", models.CharField(blank=True, max_length=64)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "team",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="port_subscriptions",
                        to="governance.team",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="port_subscriptions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="portsubscription",
            index=models.Index(fields=["name"], name="port_subscription_of_product"),
        ),
        migrations.AddConstraint(
            model_name="portsubscription",
            constraint=models.CheckConstraint(
                condition=Q(
                    Q(user__isnull=True, team__isnull=False),
                    Q(user__isnull=False, team__isnull=True),
                    _connector="OR",
                ),
                name="port_subscription_has_one_consumer",
            ),
        ),
        migrations.AddConstraint(
            model_name="portsubscription",
            constraint=models.UniqueConstraint(
                condition=Q(team__isnull=True),
                fields=("user", "name", "port"),
                name="one_port_subscription_of_a_user",
            ),
        ),
        migrations.AddConstraint(
            model_name="portsubscription",
            constraint=models.UniqueConstraint(
                condition=Q(user__isnull=True),
                fields=("team", "name", "port"),
                name="one_port_subscription_of_a_team",
            ),
        ),
        migrations.AddField(
            model_name="accessrequest",
            name="subscription",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="requests",
                to="governance.portsubscription",
            ),
        ),
        migrations.RunPython(subscribe, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="accessrequest",
            name="subscription",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="requests",
                to="governance.portsubscription",
            ),
        ),
        migrations.RemoveConstraint(model_name="scan", name="scan_state_is_known"),
        migrations.AlterField(
            model_name="scan",
            name="state",
            field=models.CharField(
                choices=[
                    ("queued", "Queued"),
                    ("running", "Running"),
                    ("waiting", "Waiting"),
                    ("done", "Done"),
                    ("failed", "Failed"),
                    ("skipped", "Skipped"),
                ],
                default="queued",
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="scan",
            constraint=models.CheckConstraint(
                condition=Q(
                    state__in=["queued", "running", "waiting", "done", "failed", "skipped"]
                ),
                name="scan_state_is_known",
            ),
        ),
    ]
