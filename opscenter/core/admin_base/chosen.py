"""Autocomplete fields of inlines: the chosen row was fetched with its inline, and isn't asked for once per line."""

from typing import Any

from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import Model
from django.http import HttpRequest

from opscenter.core.admin_base.audited import AuditedForm
from opscenter.core.admin_base.unfolded import Page


class ChosenSelect(AutocompleteSelect):
    chosen: Model | None = None

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        if self.chosen is None or [str(self.chosen.pk)] != [str(one) for one in value]:
            return super().optgroups(name, value, attr)
        options = [] if self.is_required else [self.create_option(name, "", "", False, 0)]
        options.append(self.create_option(name, self.chosen.pk, str(self.chosen), True, len(options)))
        return [(None, options, 0)]


class ChosenForm(AuditedForm):
    """Tells its ChosenSelects what the instance points to."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            widget = getattr(field.widget, "widget", None)
            if isinstance(widget, ChosenSelect):
                widget.chosen = self.instance._state.fields_cache.get(name)


class Chosen(Page):
    """Mixed into an inline with `autocomplete_fields` and a ChosenForm, whose queryset fetches what they point to."""

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = ChosenSelect(db_field, self.admin_site, using=kwargs.get("using"))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)
