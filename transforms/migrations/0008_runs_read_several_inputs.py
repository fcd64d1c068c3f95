"""A run reads versions of several inputs; a pipeline knows the products of all of them.

Runs and pipelines that are there read one, and nothing about them changes.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0001_initial'),
        ('transforms', '0007_runs_keep_what_made_them'),
    ]

    operations = [
        migrations.CreateModel(
            name='PipelineInput',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
            ],
        ),
        migrations.CreateModel(
            name='RunInput',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveIntegerField()),
            ],
            options={
                'ordering': ['position'],
            },
        ),
        migrations.RemoveConstraint(
            model_name='run',
            name='one_active_run',
        ),
        migrations.AddField(
            model_name='run',
            name='further_key',
            field=models.CharField(blank=True, max_length=71),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['claimed', 'publishing', 'queued', 'running', 'waiting'])), fields=('pipeline', 'input_version', 'further_key'), name='one_active_run'),
        ),
        migrations.AddField(
            model_name='pipelineinput',
            name='pipeline',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='further', to='transforms.pipeline'),
        ),
        migrations.AddField(
            model_name='pipelineinput',
            name='product',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='pipelines_beside', to='catalog.product'),
        ),
        migrations.AddField(
            model_name='runinput',
            name='run',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='further', to='transforms.run'),
        ),
        migrations.AddField(
            model_name='runinput',
            name='version',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='runs_beside', to='catalog.version'),
        ),
        migrations.AddConstraint(
            model_name='pipelineinput',
            constraint=models.UniqueConstraint(fields=('pipeline', 'product'), name='one_further_input'),
        ),
        migrations.AddConstraint(
            model_name='runinput',
            constraint=models.UniqueConstraint(fields=('run', 'position'), name='one_input_in_a_place'),
        ),
    ]
