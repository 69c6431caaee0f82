"""When the password was entered again for an access token."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0007_units"),
    ]

    operations = [
        migrations.AddField(
            model_name="virtualkey",
            name="reauthenticated_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
