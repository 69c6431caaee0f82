"""Consumers' own provider keys: whether the platform's may stand in for one, and operators may keep calls from it."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("llm", "0022_routing")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="ConsumerKey",
            fields=[],
            options={
                "verbose_name": "consumer's own key",
                "verbose_name_plural": "consumers' own keys",
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("llm.providerkey",),
        ),
        migrations.AddField(
            model_name="providerkey",
            name="blocked",
            field=models.BooleanField(
                default=False, help_text="A consumer's own key that no call uses, until an operator takes this back."
            ),
        ),
        migrations.AddField(
            model_name="providerkey",
            name="byok_only",
            field=models.BooleanField(
                default=True,
                help_text="Of a consumer's own key: what it can't answer is not asked of the platform's keys.",
                verbose_name="own key only",
            ),
        ),
        migrations.AddConstraint(
            model_name="providerkey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("owner__isnull", False), models.Q(("blocked", False), ("byok_only", True)), _connector="OR"
                ),
                name="provider_key_choices_of_owners",
            ),
        ),
    ]
