"""What 0001 to 0008 leave, made at once where none of them was applied."""

import core.ids
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [('transforms', '0001_initial'), ('transforms', '0002_run_purpose'), ('transforms', '0003_run_on_behalf_of'), ('transforms', '0004_policies_run_pipelines'), ('transforms', '0005_shards_are_found_by_their_digest'), ('transforms', '0006_runs_wait_for_their_turn'), ('transforms', '0007_runs_keep_what_made_them'), ('transforms', '0008_runs_read_several_inputs')]

    initial = True

    dependencies = [
        ('catalog', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Pipeline',
            fields=[
                ('id', models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.SlugField(max_length=100, unique=True)),
                ('spec', models.JSONField()),
                ('digest', models.CharField(max_length=71)),
                ('revision', models.PositiveIntegerField(default=1)),
                ('created_by', models.CharField(max_length=150)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='pipelines_from', to='catalog.product')),
                ('target', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='pipelines_into', to='catalog.product')),
            ],
        ),
        migrations.CreateModel(
            name='Run',
            fields=[
                ('id', models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('spec', models.JSONField()),
                ('home', models.CharField(blank=True, max_length=64)),
                ('base', models.TextField(blank=True)),
                ('state', models.CharField(choices=[('queued', 'Queued'), ('claimed', 'Claimed'), ('running', 'Running'), ('publishing', 'Publishing'), ('done', 'Done'), ('skipped', 'Skipped'), ('waiting', 'Waiting'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='queued', max_length=16)),
                ('reason_code', models.CharField(blank=True, max_length=64)),
                ('reason', models.TextField(blank=True)),
                ('policies', models.JSONField(default=list)),
                ('plan', models.JSONField(null=True)),
                ('run_digest', models.CharField(blank=True, max_length=71)),
                ('verdicts', models.JSONField(default=dict)),
                ('report', models.JSONField(null=True)),
                ('shards_total', models.PositiveIntegerField(default=0)),
                ('asked_by', models.CharField(max_length=150)),
                ('scopes', models.JSONField(null=True)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('next_attempt_at', models.DateTimeField()),
                ('lease_owner', models.CharField(blank=True, max_length=128)),
                ('lease_until', models.DateTimeField(null=True)),
                ('fence', models.PositiveIntegerField(default=0)),
                ('untidy', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('input_version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='runs_from', to='catalog.version')),
                ('output_version', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='runs_into', to='catalog.version')),
                ('pipeline', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='runs', to='transforms.pipeline')),
                ('target', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='runs_into', to='catalog.product')),
                ('purpose', models.CharField(blank=True, max_length=64)),
                ('on_behalf_of', models.CharField(blank=True, max_length=150)),
                ('policy', models.CharField(blank=True, max_length=64)),
                ('after', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='followers', to='transforms.run')),
                ('made_with', models.JSONField(null=True)),
                ('further_key', models.CharField(blank=True, max_length=71)),
            ],
            options={
                'indexes': [models.Index(fields=['state', 'next_attempt_at'], name='transforms__state_dc0a68_idx'), models.Index(fields=['run_digest'], name='transforms__run_dig_832fb8_idx')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['queued', 'claimed', 'running', 'publishing', 'done', 'skipped', 'waiting', 'failed', 'cancelled'])), name='run_state_is_known'), models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['done', 'skipped']), _negated=True), ('output_version__isnull', False), _connector='OR'), name='done_run_has_a_version'), models.UniqueConstraint(condition=models.Q(('state__in', ['claimed', 'publishing', 'queued', 'running', 'waiting'])), fields=('pipeline', 'input_version', 'further_key'), name='one_active_run')],
            },
        ),
        migrations.CreateModel(
            name='RunShard',
            fields=[
                ('id', models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('stage', models.PositiveIntegerField()),
                ('kind', models.CharField(choices=[('map', 'Map'), ('reduce', 'Reduce')], max_length=8)),
                ('index', models.PositiveIntegerField()),
                ('state', models.CharField(choices=[('queued', 'Queued'), ('claimed', 'Claimed'), ('done', 'Done'), ('failed', 'Failed')], default='queued', max_length=16)),
                ('reason_code', models.CharField(blank=True, max_length=64)),
                ('reason', models.TextField(blank=True)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('ring_at', models.DateTimeField()),
                ('lease_owner', models.CharField(blank=True, max_length=128)),
                ('lease_until', models.DateTimeField(null=True)),
                ('fence', models.PositiveIntegerField(default=0)),
                ('result', models.JSONField(null=True)),
                ('seconds', models.FloatField(null=True)),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='shards', to='transforms.run')),
                ('digest', models.CharField(blank=True, max_length=71)),
            ],
            options={
                'indexes': [models.Index(fields=['state', 'ring_at'], name='transforms__state_9cdf30_idx'), models.Index(condition=models.Q(('digest', ''), _negated=True), fields=['digest'], name='shard_of_a_digest')],
                'constraints': [models.UniqueConstraint(fields=('run', 'stage', 'kind', 'index'), name='one_unit_of_work'), models.CheckConstraint(condition=models.Q(('state__in', ['queued', 'claimed', 'done', 'failed'])), name='shard_state_is_known'), models.CheckConstraint(condition=models.Q(('kind__in', ['map', 'reduce'])), name='shard_kind_is_known'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'done'), _negated=True), ('result__isnull', False), _connector='OR'), name='done_shard_has_a_result')],
            },
        ),
        migrations.CreateModel(
            name='Schedule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('policy', models.CharField(max_length=64)),
                ('every', models.CharField(max_length=16)),
                ('next_at', models.DateTimeField(db_index=True)),
                ('pipeline', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='schedules', to='transforms.pipeline')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('policy', 'pipeline'), name='one_schedule')],
            },
        ),
        migrations.CreateModel(
            name='PipelineInput',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('pipeline', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='further', to='transforms.pipeline')),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='pipelines_beside', to='catalog.product')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('pipeline', 'product'), name='one_further_input')],
            },
        ),
        migrations.CreateModel(
            name='RunInput',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveIntegerField()),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='further', to='transforms.run')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='runs_beside', to='catalog.version')),
            ],
            options={
                'ordering': ['position'],
                'constraints': [models.UniqueConstraint(fields=('run', 'position'), name='one_input_in_a_place')],
            },
        ),
    ]
