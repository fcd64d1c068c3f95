import core.ids
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("governance", "0004_policies")]
    operations = [
        migrations.CreateModel(
            name='Declassification',
            fields=[
                ('id', models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=500)),
                ('column', models.CharField(blank=True, max_length=300)),
                ('label', models.CharField(max_length=100)),
                ('reason', models.TextField()),
                ('statement', models.JSONField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('created_by', models.CharField(max_length=150)),
                ('revoked_at', models.DateTimeField(null=True)),
                ('revoked_by', models.CharField(blank=True, max_length=150)),
            ],
        ),
        migrations.CreateModel(
            name='Scan',
            fields=[
                ('id', models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=500)),
                ('version', models.PositiveIntegerField()),
                ('state', models.CharField(choices=[('queued', 'Queued'), ('running', 'Running'), ('waiting', 'Waiting'), ('done', 'Done'), ('failed', 'Failed')], default='queued', max_length=16)),
                ('reason_code', models.CharField(blank=True, max_length=64)),
                ('reason', models.TextField(blank=True)),
                ('asked_by', models.CharField(max_length=150)),
                ('published_by', models.CharField(max_length=150)),
                ('files_total', models.PositiveBigIntegerField(default=0)),
                ('files_done', models.PositiveBigIntegerField(default=0)),
                ('rows_done', models.PositiveBigIntegerField(default=0)),
                ('bytes_done', models.PositiveBigIntegerField(default=0)),
                ('partial', models.JSONField(default=dict)),
                ('result', models.JSONField(null=True)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('next_attempt_at', models.DateTimeField()),
                ('lease_owner', models.CharField(blank=True, max_length=128)),
                ('lease_until', models.DateTimeField(null=True)),
                ('fence', models.PositiveIntegerField(default=0)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='ScanVerdict',
            fields=[
                ('id', models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=500)),
                ('column', models.CharField(blank=True, max_length=300)),
                ('detector', models.CharField(max_length=64)),
                ('major', models.PositiveIntegerField()),
                ('label', models.CharField(max_length=100)),
                ('verdict', models.CharField(choices=[('confirm', 'confirm'), ('reject', 'reject')], max_length=8)),
                ('rate', models.FloatField()),
                ('comment', models.TextField(blank=True)),
                ('created_by', models.CharField(max_length=150)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='label',
            name='one_live_label',
        ),
        migrations.AddField(
            model_name='label',
            name='overruled',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='label',
            name='removed_by',
            field=models.CharField(blank=True, max_length=150),
        ),
        migrations.AddConstraint(
            model_name='label',
            constraint=models.UniqueConstraint(condition=models.Q(('removed_at__isnull', True)), fields=('name', 'column', 'label', 'origin'), name='one_live_label'),
        ),
        migrations.AddConstraint(
            model_name='label',
            constraint=models.CheckConstraint(condition=models.Q(('overruled', False), ('removed_at__isnull', False), _connector='OR'), name='overruled_label_is_closed'),
        ),
        migrations.AddConstraint(
            model_name='declassification',
            constraint=models.UniqueConstraint(condition=models.Q(('revoked_at__isnull', True)), fields=('name', 'column', 'label'), name='one_live_declassification'),
        ),
        migrations.AddIndex(
            model_name='scan',
            index=models.Index(fields=['state', 'next_attempt_at'], name='scan_due'),
        ),
        migrations.AddIndex(
            model_name='scan',
            index=models.Index(fields=['name', 'version'], name='scan_of_version'),
        ),
        migrations.AddConstraint(
            model_name='scan',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['queued', 'running', 'waiting', 'done', 'failed'])), name='scan_state_is_known'),
        ),
        migrations.AddConstraint(
            model_name='scan',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'done'), _negated=True), ('result__isnull', False), _connector='OR'), name='done_scan_has_a_result'),
        ),
        migrations.AddConstraint(
            model_name='scan',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True), ('state__in', ['queued', 'running', 'waiting'])), fields=('name', 'version'), name='one_open_scan'),
        ),
        migrations.AddField(
            model_name='scanverdict',
            name='scan',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='verdicts', to='governance.scan'),
        ),
        migrations.AddIndex(
            model_name='scanverdict',
            index=models.Index(fields=['name', 'column', 'detector'], name='verdicts_of_column'),
        ),
        migrations.AddConstraint(
            model_name='scanverdict',
            constraint=models.CheckConstraint(condition=models.Q(('verdict__in', ['confirm', 'reject'])), name='verdict_is_known'),
        ),
    ]
