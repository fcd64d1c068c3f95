import os

from django.db import migrations, models

from core import merkle
from governance.engine import leaves


def commit_people(apps, schema_editor):
    """Take the clear names out of what was logged before there was a tree, and hash it anew."""
    entries, clear_texts = (apps.get_model("governance", name) for name in ("AuditEntry", "ClearText"))
    known = {}
    for row in entries.objects.order_by("id").iterator():
        told = leaves.told(row.principal, "", row.action, row.name, row.detail)
        for part in told.personal() - set(known):
            salt = os.urandom(leaves.SALT_BYTES)
            known[part] = leaves.commitment(salt, part.value)
            clear_texts.objects.create(
                commitment=known[part],
                salt=salt.hex(),
                value=part.value,
                lookup=leaves.lookup_of(part.value),
                of=part.of,
            )
        row.principal = leaves.column(told.principal, known)
        row.name = leaves.column(told.name, known)
        row.detail = leaves.committed(told.detail, known)
        entry = {field: getattr(row, field) for field in leaves.FIELDS}
        line = leaves.entry_bytes({**entry, "at": row.at.isoformat()})
        row.leaf = merkle.leaf_hash(line).hex()
        row.save()


class Migration(migrations.Migration):
    dependencies = [("governance", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name='AuditCheckpoint',
            fields=[
                ('size', models.BigIntegerField(primary_key=True, serialize=False)),
                ('root', models.CharField(max_length=64)),
                ('key_id', models.CharField(max_length=71)),
                ('note', models.TextField()),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='AuditTile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('level', models.PositiveSmallIntegerField()),
                ('number', models.BigIntegerField()),
                ('hashes', models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name='AuditTree',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('size', models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='ClearText',
            fields=[
                ('commitment', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('salt', models.CharField(max_length=32)),
                ('value', models.TextField()),
                ('lookup', models.CharField(max_length=64)),
                ('of', models.CharField(max_length=150)),
            ],
        ),
        migrations.CreateModel(
            name='LastRead',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('principal', models.CharField(max_length=150)),
                ('name', models.CharField(max_length=500)),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='ReadMeter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hour', models.DateTimeField()),
                ('principal', models.CharField(max_length=150)),
                ('on_behalf_of', models.CharField(blank=True, max_length=150)),
                ('action', models.CharField(max_length=64)),
                ('name', models.CharField(max_length=500)),
                ('reads', models.PositiveBigIntegerField(default=1)),
                ('first_at', models.DateTimeField()),
                ('last_at', models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='auditentry',
            name='on_behalf_of',
            field=models.CharField(blank=True, max_length=150),
        ),
        migrations.AddField(
            model_name='auditentry',
            name='position',
            field=models.BigIntegerField(null=True, unique=True),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(condition=models.Q(('on_behalf_of', ''), _negated=True), fields=['on_behalf_of', 'id'], name='audit_on_behalf_of'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['at'], name='audit_at'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(condition=models.Q(('position__isnull', True)), fields=['id'], name='audit_without_a_place'),
        ),
        migrations.AddConstraint(
            model_name='audittile',
            constraint=models.UniqueConstraint(fields=('level', 'number'), name='one_audit_tile'),
        ),
        migrations.AddIndex(
            model_name='cleartext',
            index=models.Index(fields=['of', 'lookup'], name='clear_text_of'),
        ),
        migrations.AddIndex(
            model_name='cleartext',
            index=models.Index(fields=['lookup'], name='clear_text_value'),
        ),
        migrations.AddConstraint(
            model_name='lastread',
            constraint=models.UniqueConstraint(fields=('principal', 'name'), name='one_last_read'),
        ),
        migrations.AddIndex(
            model_name='readmeter',
            index=models.Index(fields=['principal', 'name'], name='meter_of_principal'),
        ),
        migrations.AddConstraint(
            model_name='readmeter',
            constraint=models.UniqueConstraint(fields=('hour', 'principal', 'on_behalf_of', 'action', 'name'), name='one_meter_an_hour'),
        ),
        migrations.RunPython(commit_people, migrations.RunPython.noop),
    ]
