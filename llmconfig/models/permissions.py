"""The permissions llm.read, llm.execute, llm.configure, llm.manage_providers and llm.manage_models."""

from django.db import models


class Capability(models.Model):  # noqa: DJ008 - it has no rows
    """Has no table: it carries the app's own permissions, which every endpoint and page asks for."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = (
            ("read", "Can see servers, models and usage"),
            ("execute", "Can call models"),
            ("configure", "Can choose the active providers"),
            ("manage_providers", "Can manage AI servers and provider keys"),
            ("manage_models", "Can manage models, deployments and prices"),
        )
        verbose_name_plural = "capabilities"
