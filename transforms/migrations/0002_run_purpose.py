from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("transforms", "0001_initial")]
    operations = [
        migrations.AddField(
            model_name="run",
            name="purpose",
            field=models.CharField(blank=True, max_length=64),
        )
    ]
