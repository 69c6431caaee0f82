"""When people were last reminded that a provider key is due for rotation."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("llm", "0015_litellm_proxy"),
    ]

    operations = [
        migrations.AddField(
            model_name="providerkey",
            name="rotation_reminded_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
