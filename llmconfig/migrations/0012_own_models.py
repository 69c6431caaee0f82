"""The permission to keep models of one's own."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("llm", "0011_taken_over"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="capability",
            options={
                "default_permissions": (),
                "managed": False,
                "permissions": (
                    ("read", "Can see servers, models and usage"),
                    ("execute", "Can call models"),
                    ("configure", "Can choose the active providers"),
                    ("manage_providers", "Can manage AI servers and provider keys"),
                    ("manage_models", "Can manage models, deployments and prices"),
                    ("manage_own_models", "Can keep models of their own, over provider keys of their own"),
                ),
                "verbose_name_plural": "capabilities",
            },
        ),
    ]
