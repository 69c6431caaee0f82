"""Journals sum to 0."""

from django.db import migrations

from credits.triggers import BalancedJournals


class Migration(migrations.Migration):
    dependencies = (("credits", "0003_append_only"),)

    operations = (BalancedJournals(),)
