"""Pages that write: every write is a service call or core.changes, so that it is audited and announced."""

from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.db import models, transaction
from django.db.models import JSONField, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from opscenter.core import audit, changes
from opscenter.core.admin_base.access import DeclaredAccess, may
from opscenter.core.admin_base.buttons import Buttons
from opscenter.core.admin_base.notices import Noticed
from opscenter.core.admin_base.panels import Panels, list_of
from opscenter.core.admin_base.refusals import REFUSALS, complaints, sentences
from opscenter.core.admin_base.unfolded import ModelAdmin, ModelForm, Page, Textarea
from opscenter.core.errors import NotFound
from opscenter.core.models import AuditEntry

AUDIT_READERS = ("core.view_auditentry", "llm.configure")


class AuditedForm(ModelForm):
    """Shows what a service refused as errors of its own."""

    refusal: ClassVar[Exception | None] = None

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # a hook of Django's that its stubs leave out
        for field, sentence in complaints(self.refusal) if self.refusal else ():
            self.add_error(field if field in self.fields else None, sentence)


class HistoryIsTheAuditLog(Page):
    """The history button leads to the audit log's entries of the row, there called `audited_as`, or by their table."""

    audited_as = ""

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if may(request, *AUDIT_READERS):
            wanted = {
                "entity_type__exact": self.audited_as or self.model._meta.db_table,
                "entity_id__exact": unquote(object_id),
            }
            return redirect(list_of(AuditEntry, **wanted))
        return super().history_view(request, object_id, extra_context)


class AuditedModelAdmin(DeclaredAccess, Buttons, Panels, Noticed, HistoryIsTheAuditLog, ModelAdmin):
    """Subclasses replace `create`, `update` and `remove` where the app has services for them.

    The whole page is one transaction: what is refused half-way leaves nothing behind, and shows in the form.
    """

    form = AuditedForm
    formfield_overrides: ClassVar = {JSONField: {"widget": Textarea}, models.TextField: {"widget": Textarea}}
    when_empty: ClassVar[str] = ""
    """What would fill the list, told where it is empty."""
    list_per_page = 50
    show_full_result_count = False
    warn_unsaved_form = True

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        """Make a row of the form's `values`."""
        row: Model = self.model(**values)
        changes.save(row)
        return row

    def update(self, request: HttpRequest, row: Any, values: dict[str, Any]) -> Model:
        """Write the changed `values` on top of what is stored now."""
        with audit.writing():
            stored: Model | None = self.model._default_manager.select_for_update().filter(pk=row.pk).first()
            if stored is None:
                raise NotFound("This was deleted meanwhile.")
            for name, value in values.items():
                setattr(stored, name, value)
            changes.save(stored)
        return stored

    def remove(self, request: HttpRequest, row: Any) -> None:
        changes.delete(row)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        values = form.cleaned_data
        if change:
            stored = self.update(request, obj, {name: values[name] for name in form.changed_data})
        else:
            stored = self.create(request, dict(values))
        obj.__dict__.update(stored.__dict__)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.remove(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with transaction.atomic():
            for row in queryset:
                self.remove(request, row)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.refusal = getattr(request, "refusal", None)
        return form

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except REFUSALS as refusal:
            request.refusal = refusal  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        try:
            return super().delete_view(request, object_id, extra_context)
        except REFUSALS as refusal:
            self._tell(request, refusal)
            opts = self.opts
            return redirect(reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[object_id]))

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return super().response_action(request, queryset, *args, **kwargs)
        except REFUSALS as refusal:
            self._tell(request, refusal)
            return redirect(request.get_full_path())

    def _tell(self, request: HttpRequest, refusal: Exception) -> None:
        for sentence in sentences(refusal):
            self.message_user(request, sentence, messages.ERROR)
