"""Virtual keys: issued here and shown once, revoked by a button, never deleted."""

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from credits.models import PowerLevel
from credits.models.fields import CreditsField
from gateway.admin.issued import IssuedOnce
from gateway.admin.key_panels import family_panels, former_secrets
from gateway.admin.revoking import RevokesMany
from gateway.admin.rotating import RotateForm
from gateway.models import RequestRow, VirtualKey
from gateway.services import key_rotation, keys
from llmconfig.models import Purpose
from opscenter.core.admin_base import (
    AuditedForm,
    AuditedModelAdmin,
    Button,
    Panel,
    Said,
    display,
    linked,
    list_of,
    register,
)
from opscenter.core.admin_base.access import Access, may
from opscenter.core.admin_base.fields import WordsField
from opscenter.core.admin_base.unfolded import Select, TextInput
from opscenter.core.api import Permissions
from opscenter.core.limits import Limits
from opscenter.core.models import LIMIT_FIELDS

STATE_LABELS = {"active": "success", "expired": "warning", "revoked": "danger"}
_SETTINGS = (
    "name",
    "environment",
    "component",
    "power_level",
    "allowed_models",
    "allowed_purposes",
    "budget_credits",
    "budget_period",
    LIMIT_FIELDS,
    "expires_at",
)
_TIMES = ("created_at", "updated_at", "rotated_at", "grace_ends_at", "revoked_at", "version")
_WHOSE = ("masked", "state_label", "kind", "user", "account", "parent_link", "self_issued")
_MAY_CHANGE = ("gateway.change_virtualkey", Permissions.CONFIGURE)


class VirtualKeyForm(AuditedForm):
    power_level = forms.ChoiceField(widget=Select)
    allowed_models = WordsField(help_text="Model names with commas between them. Empty: all.")
    allowed_purposes = WordsField(help_text=f"Out of {', '.join(Purpose.values)}. Empty: all.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "power_level" in self.fields:
            slugs = PowerLevel.objects.values_list("slug", flat=True)
            self.fields["power_level"].choices = [(slug, slug) for slug in slugs]  # type: ignore[attr-defined]
            self.initial.setdefault("power_level", "precision")
        if "account" in self.fields:
            self.fields["account"].required = False
            self.fields["account"].help_text = "Which wallet pays. Empty: the user's own."

    def clean_allowed_purposes(self) -> list[str] | None:
        purposes: list[str] | None = self.cleaned_data["allowed_purposes"]
        unknown = set(purposes or ()) - set(Purpose.values)
        if unknown:
            raise forms.ValidationError(f"{', '.join(sorted(unknown))}: no such purpose.")
        return purposes


@register(VirtualKey)
class VirtualKeyAdmin(IssuedOnce, RevokesMany, AuditedModelAdmin):
    formfield_overrides: ClassVar = {**AuditedModelAdmin.formfield_overrides, CreditsField: {"widget": TextInput}}
    access: ClassVar[Access] = {
        "view": ("gateway.view_virtualkey", Permissions.CONFIGURE),
        "add": ("gateway.add_virtualkey", Permissions.CONFIGURE),
        "change": ("gateway.change_virtualkey", Permissions.CONFIGURE),
    }
    when_empty = "A virtual key is what a consumer calls the gateway with. It is shown once, when it is made."
    form = VirtualKeyForm
    list_display = (
        "masked",
        "name",
        "kind",
        "user",
        "account",
        "environment",
        "state_label",
        "expires_at",
        "created_at",
    )
    list_filter = ("kind", "environment")
    list_select_related = ("user", "account", "parent")
    search_fields = ("public_id", "name", "user__username")
    autocomplete_fields = ("user", "account")
    buttons = (
        Button(
            "rotate",
            "Rotate …",
            run="rotate",
            needs=_MAY_CHANGE,
            question="The key gets another secret, which is shown once. The former goes on working for a while.",
            form=RotateForm,
            shown=lambda key: key.state == "active" and key.kind == VirtualKey.Kind.VIRTUAL,
        ),
        Button(
            "revoke",
            "Revoke",
            run="revoke",
            needs=_MAY_CHANGE,
            question="Within a second no worker accepts this key any more, nor any that was made under it, nor a "
            "secret from before a rotation. It can't be brought back.",
            shown=lambda key: key.revoked_at is None,
            dangerous=True,
        ),
    )

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A key calls models: nobody hands out what they may not do themselves."""
        return super().has_add_permission(request) and may(request, Permissions.EXECUTE)

    def has_change_permission(self, request: HttpRequest, obj: VirtualKey | None = None) -> bool:
        is_final = obj is not None and (obj.kind != VirtualKey.Kind.VIRTUAL or obj.revoked_at is not None)
        return super().has_change_permission(request, obj) and not is_final

    def get_fieldsets(self, request: HttpRequest, obj: VirtualKey | None = None) -> Any:
        if obj is None:
            return ((None, {"fields": ("user", "account")}), ("Settings", {"fields": _SETTINGS}))
        return (
            (None, {"fields": _WHOSE}),
            ("Settings", {"fields": _SETTINGS}),
            ("Times", {"fields": _TIMES}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: VirtualKey | None = None) -> tuple[str, ...]:
        return (*_WHOSE, *_TIMES) if obj else ()

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With one way to save: each ends at the page that shows the key."""
        one_way = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().add_view(request, form_url, {**(extra_context or {}), **one_way})

    def create(self, request: HttpRequest, values: dict[str, Any]) -> VirtualKey:
        limits = Limits(**{field: values.pop(field, None) for field in LIMIT_FIELDS})
        issued = keys.issue(**values, limits=limits)
        request.issued_plaintext = issued.plaintext  # type: ignore[attr-defined]
        return issued.row

    def response_add(self, request: HttpRequest, obj: VirtualKey, post_url_continue: str | None = None) -> HttpResponse:
        if not obj.user.has_perm(Permissions.EXECUTE):
            text = f"{obj.user} may not call models yet, by this key or another: put them into the group LLM user."
            self.message_user(request, text, messages.WARNING)
        return redirect(self.hand_over(request, obj, request.issued_plaintext))  # type: ignore[attr-defined]

    def rotate(self, request: HttpRequest, row: VirtualKey, values: dict[str, Any]) -> Said:
        issued = key_rotation.rotate(row, grace_s=round(values["grace_hours"] * 3600))
        return Said(f"{row.masked} has another secret.", address=self.hand_over(request, issued.row, issued.plaintext))

    def revoke(self, request: HttpRequest, row: VirtualKey) -> Said:
        below = keys.revoke(row) - 1
        return Said(f"{row.masked} is revoked." + (f" So are {below} made under it." if below > 0 else ""))

    def panels(self, request: HttpRequest, row: VirtualKey) -> list[Panel]:
        requests = list_of(RequestRow, virtual_key_id__exact=row.pk)
        use = Panel("Use", (), (), link=requests, link_text="Requests by this key")
        return [*family_panels(row), *former_secrets(row), use]

    @display(description="Made under", empty_value="–")
    def parent_link(self, key: VirtualKey) -> str | None:
        return linked(VirtualKey, key.parent_id, key.parent) if key.parent else None

    @display(description="Key")
    def masked(self, key: VirtualKey) -> str:
        return key.masked

    @display(description="State", label=STATE_LABELS)
    def state_label(self, key: VirtualKey) -> str:
        return key.state
