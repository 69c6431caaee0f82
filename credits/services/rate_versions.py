"""Keeps what each version of a tier or power level said. For core.changes and for the seeds."""

from django.apps.registry import Apps, apps
from django.db.models import Max, Model

from opscenter.core import changes

_KINDS = {"tier": "tier", "powerlevel": "power_level"}


def keep(row: Model) -> None:
    """Hook of core.changes: inside the transaction that saves a tier or power level."""
    keep_in(apps, row)


def keep_in(registry: Apps, row: Model, *, using: str | None = None) -> None:
    """Write down what `row` says as its version, unless that is written."""
    versions = registry.get_model("credits", "RateVersion")._default_manager.using(using)
    versions.get_or_create(**_name(row), version=_version(row), defaults={"values": changes.describe(row)})


def next_version(registry: Apps, row: Model, *, using: str | None = None) -> int:
    """The version of a row that is made anew: a number is never given twice."""
    versions = registry.get_model("credits", "RateVersion")._default_manager.using(using)
    newest: int | None = versions.filter(**_name(row)).aggregate(newest=Max("version"))["newest"]
    return (newest or 0) + 1


def _name(row: Model) -> dict[str, str]:
    return {"kind": _KINDS[str(row._meta.model_name)], "slug": str(getattr(row, "slug", ""))}


def _version(row: Model) -> int:
    return int(getattr(row, "version", 0))
