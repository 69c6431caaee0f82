"""The permissions llm.read, llm.execute, llm.configure, llm.manage_providers and llm.manage_models."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("llm", "0005_active_providers"),
    ]

    operations = [
        migrations.CreateModel(
            name="Capability",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
            ],
            options={
                "verbose_name_plural": "capabilities",
                "permissions": (
                    ("read", "Can see servers, models and usage"),
                    ("execute", "Can call models"),
                    ("configure", "Can choose the active providers"),
                    ("manage_providers", "Can manage AI servers and provider keys"),
                    ("manage_models", "Can manage models, deployments and prices"),
                ),
                "managed": False,
                "default_permissions": (),
            },
        ),
    ]
