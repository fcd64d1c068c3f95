"""What 0001 to 0004 leave, made at once where none of them was applied."""

import core.ids
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [('movement', '0001_initial'), ('movement', '0002_auditcopy'), ('movement', '0003_movement_acts'), ('movement', '0004_replica_locks')]

    initial = True

    dependencies = [
        ('catalog', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Site',
            fields=[
                ('id', models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.SlugField(max_length=64, unique=True)),
                ('title', models.CharField(max_length=200)),
                ('kind', models.CharField(choices=[('core', 'Core'), ('edge', 'Edge'), ('mobile', 'Mobile')], max_length=16)),
                ('jurisdictions', models.JSONField(default=list)),
                ('state', models.CharField(choices=[('online', 'Online'), ('draining', 'Draining'), ('offline', 'Offline'), ('lost', 'Lost')], default='online', max_length=16)),
                ('expected_back', models.DateTimeField(null=True)),
                ('grace_hours', models.PositiveIntegerField(default=72)),
                ('last_seen', models.DateTimeField(null=True)),
                ('state_reason', models.TextField(blank=True)),
                ('state_since', models.DateTimeField(default=django.utils.timezone.now)),
                ('windows', models.JSONField(default=list)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['core', 'edge', 'mobile'])), name='site_kind_is_known'), models.CheckConstraint(condition=models.Q(('state__in', ['online', 'draining', 'offline', 'lost'])), name='site_state_is_known')],
            },
        ),
        migrations.CreateModel(
            name='Store',
            fields=[
                ('id', models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.SlugField(max_length=64, unique=True)),
                ('kind', models.CharField(choices=[('s3', 'S3'), ('directory', 'Directory'), ('http', 'Http')], max_length=16)),
                ('endpoint', models.CharField(blank=True, max_length=500)),
                ('bucket', models.CharField(blank=True, max_length=100)),
                ('prefix', models.CharField(blank=True, max_length=300)),
                ('region', models.CharField(default='us-east-1', max_length=64)),
                ('root', models.CharField(blank=True, max_length=1000)),
                ('credentials_sealed', models.TextField(blank=True)),
                ('reachable', models.BooleanField(default=True)),
                ('problem', models.TextField(blank=True)),
                ('checked_at', models.DateTimeField(null=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='stores', to='movement.site')),
                ('capabilities', models.JSONField(default=dict)),
                ('capacity_bytes', models.PositiveBigIntegerField(null=True)),
                ('cost_1000_gets', models.DecimalField(decimal_places=6, default=0, max_digits=10)),
                ('cost_1000_puts', models.DecimalField(decimal_places=6, default=0, max_digits=10)),
                ('cost_gb_month', models.DecimalField(decimal_places=6, default=0, max_digits=10)),
                ('quarantine_reason', models.TextField(blank=True)),
                ('quarantined_at', models.DateTimeField(null=True)),
                ('slots', models.PositiveIntegerField(null=True)),
                ('tier', models.CharField(choices=[('hot', 'Hot'), ('cold', 'Cold'), ('archive', 'Archive')], default='hot', max_length=16)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['s3', 'directory', 'http'])), name='store_kind_is_known'), models.CheckConstraint(condition=models.Q(('tier__in', ['hot', 'cold', 'archive'])), name='store_tier_is_known')],
            },
        ),
        migrations.CreateModel(
            name='Replica',
            fields=[
                ('id', models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('origin', models.CharField(choices=[('upload', 'Upload'), ('registered', 'Registered'), ('transfer', 'Transfer'), ('run', 'Run')], max_length=16)),
                ('base', models.TextField()),
                ('state', models.CharField(choices=[('planned', 'Planned'), ('copying', 'Copying'), ('complete', 'Complete'), ('suspect', 'Suspect'), ('corrupt', 'Corrupt'), ('missing', 'Missing'), ('deleting', 'Deleting'), ('deleted', 'Deleted')], max_length=16)),
                ('reason_code', models.CharField(blank=True, max_length=64)),
                ('reason', models.TextField(blank=True)),
                ('since', models.DateTimeField(auto_now_add=True)),
                ('verified_at', models.DateTimeField(null=True)),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='replicas', to='catalog.version')),
                ('store', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='replicas', to='movement.store')),
                ('asked_by', models.CharField(blank=True, max_length=150)),
                ('remove_after', models.DateTimeField(null=True)),
                ('remove_reason', models.TextField(blank=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('remove_after__isnull', False)), fields=['remove_after'], name='replica_to_remove'), models.Index(fields=['state', 'verified_at'], name='replica_to_scrub')],
                'constraints': [models.UniqueConstraint(fields=('version', 'store'), name='one_replica_per_store'), models.CheckConstraint(condition=models.Q(('state__in', ['planned', 'copying', 'complete', 'suspect', 'corrupt', 'missing', 'deleting', 'deleted'])), name='replica_state_is_known')],
            },
        ),
        migrations.CreateModel(
            name='Arrival',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('path', models.TextField()),
                ('until', models.DateTimeField()),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='arrivals', to='catalog.version')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('version', 'path'), name='one_arrival')],
            },
        ),
        migrations.CreateModel(
            name='AuditCopy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('size', models.BigIntegerField(default=0)),
                ('written_at', models.DateTimeField(null=True)),
                ('forked', models.TextField(blank=True)),
                ('store', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='audit_copy', to='movement.store')),
            ],
        ),
        migrations.CreateModel(
            name='AppliedPlan',
            fields=[
                ('id', models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=500)),
                ('digest', models.CharField(max_length=71)),
                ('asked_by', models.CharField(max_length=150)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('undone_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Transfer',
            fields=[
                ('id', models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('state', models.CharField(choices=[('queued', 'Queued'), ('claimed', 'Claimed'), ('running', 'Running'), ('verifying', 'Verifying'), ('done', 'Done'), ('waiting', 'Waiting'), ('refused', 'Refused'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='queued', max_length=16)),
                ('reason_code', models.CharField(blank=True, max_length=64)),
                ('reason', models.TextField(blank=True)),
                ('policies', models.JSONField(default=list)),
                ('asked_by', models.CharField(max_length=150)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('next_attempt_at', models.DateTimeField()),
                ('lease_owner', models.CharField(blank=True, max_length=128)),
                ('lease_until', models.DateTimeField(null=True)),
                ('fence', models.PositiveIntegerField(default=0)),
                ('files_total', models.PositiveBigIntegerField(default=0)),
                ('files_done', models.PositiveBigIntegerField(default=0)),
                ('bytes_total', models.PositiveBigIntegerField(default=0)),
                ('bytes_done', models.PositiveBigIntegerField(default=0)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('source', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='outgoing', to='movement.store')),
                ('target', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='incoming', to='movement.store')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='transfers', to='catalog.version')),
                ('bytes_per_second', models.FloatField(null=True)),
                ('cost', models.DecimalField(decimal_places=6, max_digits=14, null=True)),
                ('due_at', models.DateTimeField(null=True)),
                ('hop_for', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='hops', to='movement.store')),
                ('priority', models.PositiveSmallIntegerField(default=5)),
                ('tenant', models.CharField(blank=True, max_length=64)),
                ('plan', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='transfers', to='movement.appliedplan')),
            ],
            options={
                'indexes': [models.Index(fields=['state', 'next_attempt_at'], name='movement_tr_state_1d7a14_idx'), models.Index(fields=['finished_at'], name='transfer_history')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state__in', ['claimed', 'queued', 'running', 'verifying', 'waiting'])), fields=('version', 'target'), name='one_active_transfer'), models.UniqueConstraint(condition=models.Q(('state', 'refused')), fields=('version', 'target'), name='one_standing_refusal'), models.CheckConstraint(condition=models.Q(('state__in', ['queued', 'claimed', 'running', 'verifying', 'done', 'waiting', 'refused', 'failed', 'cancelled'])), name='transfer_state_is_known')],
            },
        ),
        migrations.CreateModel(
            name='Demand',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('reads', models.PositiveIntegerField(default=0)),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='demand', to='movement.site')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='demand', to='catalog.version')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('version', 'site', 'day'), name='one_demand_a_day')],
            },
        ),
        migrations.CreateModel(
            name='Leadership',
            fields=[
                ('task', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('lease_owner', models.CharField(blank=True, max_length=128)),
                ('lease_until', models.DateTimeField(null=True)),
                ('fence', models.PositiveBigIntegerField(default=0)),
                ('done_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Link',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('open', models.BooleanField(default=True)),
                ('bytes_per_second', models.PositiveBigIntegerField(null=True)),
                ('slots', models.PositiveIntegerField(null=True)),
                ('cost_per_gb', models.DecimalField(decimal_places=6, default=0, max_digits=10)),
                ('measured_rate', models.FloatField(null=True)),
                ('failure_rate', models.FloatField(default=0.0)),
                ('measured_at', models.DateTimeField(null=True)),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='links_out', to='movement.site')),
                ('target', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='links_in', to='movement.site')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('source', 'target'), name='one_link_each_way'), models.CheckConstraint(condition=models.Q(('source', models.F('target')), _negated=True), name='a_link_leads_elsewhere')],
            },
        ),
        migrations.CreateModel(
            name='Pin',
            fields=[
                ('id', models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('reason', models.CharField(max_length=500)),
                ('until', models.DateTimeField(null=True)),
                ('asked_by', models.CharField(max_length=150)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('store', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pins', to='movement.store')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pins', to='catalog.version')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('version', 'store'), name='one_pin_a_store')],
            },
        ),
        migrations.CreateModel(
            name='Scrub',
            fields=[
                ('id', models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('deep', models.BooleanField()),
                ('state', models.CharField(choices=[('running', 'Running'), ('good', 'Good'), ('broken', 'Broken'), ('cut', 'Cut')], default='running', max_length=16)),
                ('reason', models.TextField(blank=True)),
                ('asked_by', models.CharField(max_length=150)),
                ('files', models.PositiveBigIntegerField(default=0)),
                ('bytes', models.PositiveBigIntegerField(default=0)),
                ('after', models.TextField(blank=True)),
                ('started_at', models.DateTimeField(auto_now_add=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('lease_owner', models.CharField(blank=True, max_length=128)),
                ('lease_until', models.DateTimeField(null=True)),
                ('fence', models.PositiveIntegerField(default=0)),
                ('replica', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='scrubs', to='movement.replica')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'running')), fields=('replica',), name='one_scrub_at_a_time'), models.CheckConstraint(condition=models.Q(('state__in', ['running', 'good', 'broken', 'cut'])), name='scrub_state_is_known')],
            },
        ),
        migrations.CreateModel(
            name='ScrubFinding',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('path', models.TextField()),
                ('kind', models.CharField(choices=[('missing', 'Missing'), ('truncated', 'Truncated'), ('flipped', 'Flipped'), ('extra', 'Extra')], max_length=16)),
                ('detail', models.TextField()),
                ('repaired_at', models.DateTimeField(null=True)),
                ('scrub', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='findings', to='movement.scrub')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('scrub', 'path'), name='one_finding_a_file'), models.CheckConstraint(condition=models.Q(('kind__in', ['missing', 'truncated', 'flipped', 'extra'])), name='finding_kind_is_known')],
            },
        ),
        migrations.CreateModel(
            name='Subscription',
            fields=[
                ('id', models.UUIDField(default=core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('latest', models.PositiveSmallIntegerField(default=1)),
                ('priority', models.PositiveSmallIntegerField(default=5)),
                ('asked_by', models.CharField(max_length=150)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='subscriptions', to='catalog.product')),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='subscriptions', to='movement.site')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('product', 'site'), name='one_subscription_a_site'), models.CheckConstraint(condition=models.Q(('latest__gte', 1)), name='subscription_keeps_some'), models.CheckConstraint(condition=models.Q(('priority__lte', 9)), name='subscription_priority')],
            },
        ),
        migrations.CreateModel(
            name='ReplicaLock',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('until', models.DateTimeField()),
                ('after', models.TextField(blank=True)),
                ('locked_at', models.DateTimeField(null=True)),
                ('reason', models.TextField(blank=True)),
                ('next_attempt_at', models.DateTimeField(null=True)),
                ('replica', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='lock', to='movement.replica')),
            ],
        ),
    ]
