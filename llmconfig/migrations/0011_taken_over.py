"""What of a server or key came from the environment."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("llm", "0010_key_rotation"),
    ]

    operations = [
        migrations.AddField(
            model_name="aiserver",
            name="environment_url",
            field=models.CharField(blank=True, default="", editable=False, max_length=500),
        ),
        migrations.AddField(
            model_name="providerkey",
            name="environment_secret",
            field=models.UUIDField(blank=True, editable=False, null=True),
        ),
    ]
