"""The sums without consumers hold all that those with them do."""

from django.db import migrations, models

_NAMES = ("refused", "attempts", "cached_tokens", "cache_write_tokens", "duration_ms")


class Migration(migrations.Migration):
    dependencies = [("gateway", "0015_pruned_months")]

    operations = [
        migrations.AddField(model_name="marginstat", name=name, field=models.BigIntegerField(default=0, db_default=0))
        for name in _NAMES
    ]
