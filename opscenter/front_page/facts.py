"""What the front page is made of: facts in sections, each fact with the way to the list behind it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from opscenter.core.admin_base import Panel, list_of


@dataclass(frozen=True, slots=True)
class Fact:
    """`level` colours the value: "", success, warning or danger."""

    label: str
    value: str
    link: str = ""
    level: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    facts: Sequence[Fact] = ()
    panels: Sequence[Panel] = ()


def may_view(request: HttpRequest, model: type[Model]) -> bool:
    return bool(admin.site.get_model_admin(model).has_view_permission(request))


def link_to(request: HttpRequest, model: type[Model], **wanted: object) -> str:
    """The model's list, filtered; "" for whom it would refuse."""
    return list_of(model, **wanted) if may_view(request, model) else ""


def ago(seconds: float) -> str:
    """ "12 s ago", "5 min ago", "3 h ago", "2 days ago"."""
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit} ago"
    return f"{max(0, int(seconds))} s ago"
