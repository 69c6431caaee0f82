"""Setting a row's fields back to what an entry of the audit log says they were, the way the row's page writes them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, ForeignKey, Model
from django.http import HttpRequest

from opscenter.core import audit, changes
from opscenter.core.admin.differences import text_of
from opscenter.core.admin_base import AuditedModelAdmin
from opscenter.core.admin_base.unfolded import CheckboxSelectMultiple
from opscenter.core.models import AuditEntry, Secret


@dataclass(frozen=True, slots=True)
class Step:
    """One field: what it says now, and the `value` that it had before the entry."""

    name: str
    now: Any
    then: Any
    value: Any
    changed_since: bool

    @property
    def label(self) -> str:
        since = ", and was changed since" if self.changed_since else ""
        return f"{self.name}: {text_of(self.then)} (is {text_of(self.now)} now{since})"


@dataclass(frozen=True, slots=True)
class Reversion:
    """What `request` may set back on the row that an entry is about; never secrets, nor what points to rows gone."""

    page: AuditedModelAdmin
    row: Model
    steps: list[Step]

    def run(self, request: HttpRequest, entry: AuditEntry, names: list[str]) -> None:
        """Raises whatever the page's service refuses."""
        values = {step.name: step.value for step in self.steps if step.name in names}
        with audit.writing(), audit.reverting(entry):
            for name, value in values.items():
                setattr(self.row, name, value)
            self.page.update(request, self.row, values)


def reversion_of(entry: AuditEntry, request: HttpRequest) -> Reversion | None:
    """None where there is nothing to set back, or `request` may not."""
    page = _page_of(entry)
    row = page.get_object(request, entry.entity_id) if page else None
    if page is None or row is None or not page.has_change_permission(request, row):
        return None
    steps = list(_steps(entry, row, page.get_form(request, row, change=True).base_fields))
    return Reversion(page, row, steps) if steps else None


class RevertForm(forms.Form):
    fields_to_revert = forms.MultipleChoiceField(label="Set back", widget=CheckboxSelectMultiple)

    def __init__(self, entry: Any, data: Any = None) -> None:
        steps = entry.reversion.steps
        super().__init__(data, initial={"fields_to_revert": [step.name for step in steps]})
        self.fields["fields_to_revert"].choices = [(step.name, step.label) for step in steps]  # type: ignore[attr-defined]


def _page_of(entry: AuditEntry) -> AuditedModelAdmin | None:
    pages = (page for model, page in admin.site._registry.items() if _is_of(entry, model))
    page = next(pages, None)
    return page if isinstance(page, AuditedModelAdmin) else None


def _is_of(entry: AuditEntry, model: type[Model]) -> bool:
    return model._meta.db_table == entry.entity_type and not model._meta.proxy


def _steps(entry: AuditEntry, row: Model, editable: Any) -> Iterator[Step]:
    now = changes.describe(row)
    for name, then in entry.before.items():
        field = _field(row, name) if name in editable and name in now else None
        if field is None or now[name] == then:
            continue
        value = _value(field, then)
        if value is not None or then is None:
            yield Step(
                name, now[name], then, value, changed_since=name in entry.after and now[name] != entry.after[name]
            )


def _field(row: Model, name: str) -> "Field[Any, Any] | None":
    try:
        field = row._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return field if isinstance(field, Field) and field.related_model is not Secret else None


def _value(field: "Field[Any, Any]", then: Any) -> Any:
    """What the log's JSON stands for; None for a row that is gone."""
    if isinstance(field, ForeignKey):
        return field.related_model._default_manager.filter(pk=then).first()
    return field.to_python(then)
