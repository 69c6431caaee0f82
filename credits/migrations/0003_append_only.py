"""Journals and entries only grow."""

from django.db import migrations

from opscenter.core.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = (("credits", "0002_journals"),)

    operations = (AppendOnly("credits_journals"), AppendOnly("llm_transactions"))
