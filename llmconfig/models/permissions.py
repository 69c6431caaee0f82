"""The permissions llm.read, llm.execute, llm.configure, llm.manage_providers, llm.manage_models and _own_models."""

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
            ("manage_own_models", "Can keep models of their own, over provider keys of their own"),
        )
        verbose_name_plural = "capabilities"
