"""The groups that every installation starts with; one that exists is an operator's and stays as it is."""

from typing import Any

from django.apps import AppConfig
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission

from llmconfig.models import Capability

GROUPS: dict[str, tuple[str, ...]] = {
    "LLM admin": tuple(codename for codename, _ in Capability._meta.permissions),
    "LLM user": ("read", "execute", "manage_own_models"),
}


def seed_groups(sender: AppConfig, using: str = "default", verbosity: int = 0, **kwargs: Any) -> None:
    """Create the groups that are missing, after the permissions that they hold."""
    missing = set(GROUPS) - set(Group.objects.using(using).filter(name__in=GROUPS).values_list("name", flat=True))
    if not missing:
        return
    create_permissions(sender, using=using, verbosity=verbosity)
    for name in sorted(missing):
        group = Group.objects.using(using).create(name=name)
        group.permissions.set(
            Permission.objects.using(using).filter(
                content_type__app_label=Capability._meta.app_label, codename__in=GROUPS[name]
            )
        )
