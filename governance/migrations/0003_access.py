import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import core.ids


class Migration(migrations.Migration):
    dependencies = [("governance", "0002_audit")]

    operations = [
        migrations.CreateModel(
            name='Campaign',
            fields=[
                ('id', models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('title', models.CharField(max_length=200)),
                ('prefix', models.CharField(max_length=500)),
                ('due_at', models.DateTimeField()),
                ('revoke_undecided', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('closed_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='CampaignItem',
            fields=[
                ('id', models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('verdict', models.CharField(blank=True, choices=[('keep', 'Keep'), ('revoke', 'Revoke')], max_length=16)),
                ('comment', models.TextField(blank=True)),
                ('decided_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='GrantReview',
            fields=[
                ('id', models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('verdict', models.CharField(choices=[('justified', 'Justified'), ('unjustified', 'Unjustified')], max_length=16)),
                ('comment', models.TextField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name='RequestComment',
            fields=[
                ('id', models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('text', models.TextField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='accessrequest',
            name='one_pending_request',
        ),
        migrations.AddField(
            model_name='accessrequest',
            name='due_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='accessrequest',
            name='escalated_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='accessrequest',
            name='escalated_to',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='accessrequest',
            name='policies',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='accessrequest',
            name='port',
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name='accessrequest',
            name='renews',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='renewals', to='governance.grant'),
        ),
        migrations.AddField(
            model_name='accessrequest',
            name='team',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='access_requests', to='governance.team'),
        ),
        migrations.AddField(
            model_name='grant',
            name='kind',
            field=models.CharField(choices=[('grant', 'Grant'), ('break-glass', 'Break Glass')], default='grant', max_length=16),
        ),
        migrations.AddField(
            model_name='grant',
            name='port',
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name='grant',
            name='reason',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='grant',
            name='review_due_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='grant',
            name='revoked_by',
            field=models.CharField(blank=True, max_length=150),
        ),
        migrations.AddField(
            model_name='grant',
            name='team',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='grants', to='governance.team'),
        ),
        migrations.AlterField(
            model_name='accessrequest',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='access_requests', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='grant',
            name='granted_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='grant',
            name='request',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='grant', to='governance.accessrequest'),
        ),
        migrations.AlterField(
            model_name='grant',
            name='user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='grants', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='accessrequest',
            index=models.Index(condition=models.Q(('state', 'pending')), fields=['due_at'], name='request_is_due'),
        ),
        migrations.AddIndex(
            model_name='grant',
            index=models.Index(fields=['team', 'expires_at'], name='governance__team_id_6d937a_idx'),
        ),
        migrations.AddConstraint(
            model_name='accessrequest',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'pending'), ('team__isnull', True)), fields=('user', 'name', 'port', 'purpose'), name='one_pending_request_of_a_user'),
        ),
        migrations.AddConstraint(
            model_name='accessrequest',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'pending'), ('team__isnull', False)), fields=('team', 'name', 'port', 'purpose'), name='one_pending_request_of_a_team'),
        ),
        migrations.AddConstraint(
            model_name='accessrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('state', 'pending')), models.Q(models.Q(('state', 'pending'), _negated=True), ('decided_at__isnull', False)), _connector='OR'), name='request_is_decided_once'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('team__isnull', False), ('user__isnull', True)), models.Q(('team__isnull', True), ('user__isnull', False)), _connector='OR'), name='grant_has_one_consumer'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'grant'), ('request__isnull', False)), models.Q(('granted_by', models.F('user')), ('kind', 'break-glass'), ('request__isnull', True), ('review_due_at__isnull', False), ('user__isnull', False)), _connector='OR'), name='grant_kind_is_whole'),
        ),
        migrations.AddField(
            model_name='campaign',
            name='opened_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='campaigns', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='campaignitem',
            name='campaign',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='items', to='governance.campaign'),
        ),
        migrations.AddField(
            model_name='campaignitem',
            name='decided_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='campaignitem',
            name='grant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='campaign_items', to='governance.grant'),
        ),
        migrations.AddField(
            model_name='grantreview',
            name='grant',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='review', to='governance.grant'),
        ),
        migrations.AddField(
            model_name='grantreview',
            name='reviewer',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='requestcomment',
            name='author',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='requestcomment',
            name='request',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='comments', to='governance.accessrequest'),
        ),
        migrations.AddIndex(
            model_name='campaign',
            index=models.Index(condition=models.Q(('closed_at__isnull', True)), fields=['due_at'], name='campaign_is_due'),
        ),
        migrations.AddConstraint(
            model_name='campaignitem',
            constraint=models.UniqueConstraint(fields=('campaign', 'grant'), name='one_item_a_grant'),
        ),
        migrations.AddConstraint(
            model_name='campaignitem',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('verdict', '')), models.Q(('decided_at__isnull', False), ('verdict__in', ['keep', 'revoke'])), _connector='OR'), name='item_is_decided_once'),
        ),
        migrations.AddConstraint(
            model_name='grantreview',
            constraint=models.CheckConstraint(condition=models.Q(('verdict__in', ['justified', 'unjustified'])), name='review_verdict_is_known'),
        ),
    ]
