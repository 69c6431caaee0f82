"""Tables on a virtual key's page: what is in force, what was made under it, which former secrets still work."""

from typing import Any

from credits.amounts import to_nano, to_text
from credits.snapshot import load_power_levels
from gateway import rights
from gateway.families import lines_of
from gateway.models import VirtualKey
from gateway.rights import BudgetOf, Rights
from opscenter.core.admin_base import Panel, linked, list_of

_MOST_CHILDREN = 20


def family_panels(key: VirtualKey) -> list[Panel]:
    """Nothing for a key without relatives."""
    return [*_in_force(key), *_children(key)]


def former_secrets(key: VirtualKey) -> list[Panel]:
    rows = [(former.created_at, former.expires_at) for former in key.former_secrets.live()]
    return [Panel("Former secrets that still work", ("Replaced", "Works until"), rows)] if rows else []


def _in_force(key: VirtualKey) -> list[Panel]:
    line = lines_of([key], among=VirtualKey.objects.all()).get(key.pk, ())
    if len(line) < 2:
        return []
    own, may = rights.own(key), rights.of_line(line, load_power_levels())
    rows = [(label, mine, result) for (label, mine), (_, result) in zip(_told(own), _told(may), strict=True)]
    return [Panel("In force, within the keys that it was made under", ("", "Of its own", "In force"), rows)]


def _told(rights: Rights) -> list[tuple[str, Any]]:
    return [
        ("Models", _names(rights.allowed_models)),
        ("Purposes", _names(rights.allowed_purposes)),
        ("Power level", rights.power_level),
        ("Environment", rights.environment),
        ("RPM", _or_none(rights.limits.rpm)),
        ("TPM", _or_none(rights.limits.tpm)),
        ("Concurrency", _or_none(rights.limits.concurrency)),
        ("Budgets", ", ".join(map(_budget, rights.budgets)) or "no limit"),
        ("Expires", rights.expires_at or "never"),
    ]


def _names(names: frozenset[str] | None) -> str:
    return "all" if names is None else ", ".join(sorted(names)) or "none"


def _or_none(limit: int | None) -> int | str:
    return "no limit" if limit is None else limit


def _budget(budget: BudgetOf) -> str:
    return f"{to_text(to_nano(budget.credits))} per {budget.period}"


def _children(key: VirtualKey) -> list[Panel]:
    children = list(key.children.all()[: _MOST_CHILDREN + 1])
    if not children:
        return []
    rows = [
        (linked(VirtualKey, child.pk, child), child.get_environment_display(), child.component or "–", child.state)
        for child in children[:_MOST_CHILDREN]
    ]
    link = list_of(VirtualKey, parent_id__exact=key.pk) if len(children) > _MOST_CHILDREN else ""
    return [
        Panel(
            "Made under this key",
            ("Key", "Environment", "Component", "State"),
            rows,
            link=link,
            link_text="All that were made under this key" if link else "",
        )
    ]
