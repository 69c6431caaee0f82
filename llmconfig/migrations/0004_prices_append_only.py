"""Prices only grow."""

from django.db import migrations

from opscenter.core.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = (("llm", "0003_prices"),)

    operations = (AppendOnly("llm_prices"),)
