"""Buttons on admin pages. Whatever changes or calls something is a POST with a CSRF token and its own permission."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any, ClassVar, NamedTuple

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from opscenter.core.admin_base.access import may
from opscenter.core.admin_base.panels import Panel
from opscenter.core.admin_base.refusals import REFUSALS, sentences
from opscenter.core.admin_base.row_page import RowPage

_FILLED, _CONFIRMED = "filled", "yes"


class Said(NamedTuple):
    """What a button has to say for itself once it is done; `address` is a page to go on to, if not back."""

    text: str
    level: int = messages.SUCCESS
    address: str = ""


def Warned(text: str) -> Said:  # noqa: N802 - reads as the kind of Said that it makes
    return Said(text, messages.WARNING)


@dataclass(frozen=True, slots=True)
class Button:
    """`run` names the admin's method (request, row[, the form's cleaned data]) -> Said; a list's button has no row.

    With a `question` or a `form` the first POST only asks; the second, confirmed, runs. `form(row, data)` makes the
    form; `shown(row)` hides the button where it makes no sense. Where `preview` names a method (request, row, data)
    -> Panel, what the form would do is shown before it is confirmed.
    """

    name: str
    label: str
    run: str
    needs: tuple[str, ...]
    question: str = ""
    form: Callable[..., forms.Form] | None = None
    preview: str = ""
    shown: Callable[[Any], bool] = lambda row: True
    dangerous: bool = False

    @property
    def verb(self) -> str:
        """The label of the button that does it, after the question."""
        return self.label.removesuffix(" …")

    @property
    def asks(self) -> bool:
        return bool(self.question or self.form)


class Buttons(RowPage):
    """Mixed into a ModelAdmin: `buttons` on a row's page, `list_buttons` above the list."""

    buttons: ClassVar[Sequence[Button]] = ()
    list_buttons: ClassVar[Sequence[Button]] = ()
    change_form_outer_before_template = "admin/buttons/row.html"
    list_before_template = "admin/buttons/list.html"

    def get_urls(self) -> list[URLPattern]:
        site, opts = self.admin_site, self.opts

        def wrapped(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
            return update_wrapper(site.admin_view(require_POST(view)), view)

        return [
            path(
                "do/<slug:name>/", wrapped(self.press_on_list), name=f"{opts.app_label}_{opts.model_name}_list_button"
            ),
            path(
                "<path:object_id>/do/<slug:name>/",
                wrapped(self.press),
                name=f"{opts.app_label}_{opts.model_name}_button",
            ),
            *super().get_urls(),
        ]

    def press(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        button = self._permitted(request, self.buttons, name)
        row = self.get_object(request, unquote(object_id))
        if row is None or not button.shown(row):
            raise Http404
        opts = self.opts
        back = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[quote(row.pk)])
        return self._pressed(request, button, row, back)

    def press_on_list(self, request: HttpRequest, name: str) -> HttpResponse:
        button = self._permitted(request, self.list_buttons, name)
        opts = self.opts
        return self._pressed(request, button, None, reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist"))

    def row_buttons(self, request: HttpRequest, row: Model) -> list[tuple[Button, str]]:
        """Those that `request` may press on `row`, with their addresses."""
        opts = row._meta
        route = f"admin:{opts.app_label}_{opts.model_name}_button"
        return [
            (button, reverse(route, args=[quote(row.pk), button.name]))
            for button in self.buttons
            if may(request, *button.needs) and button.shown(row)
        ]

    def list_page_buttons(self, request: HttpRequest) -> list[tuple[Button, str]]:
        opts = self.opts
        route = f"admin:{opts.app_label}_{opts.model_name}_list_button"
        return [
            (button, reverse(route, args=[button.name])) for button in self.list_buttons if may(request, *button.needs)
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {**(extra_context or {}), "pressable": self.list_page_buttons(request)}
        return super().changelist_view(request, context)

    def row_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        pressable = self.row_buttons(request, row) if row else []
        return {**super().row_context(request, row), "pressable": pressable}

    def _permitted(self, request: HttpRequest, buttons: Sequence[Button], name: str) -> Button:
        button = next((button for button in buttons if button.name == name), None)
        if button is None:
            raise Http404
        if not (self.has_view_permission(request) and may(request, *button.needs)):
            raise PermissionDenied
        return button

    def _pressed(self, request: HttpRequest, button: Button, row: Model | None, back: str) -> HttpResponse:
        step = request.POST.get("confirmed")
        form = button.form(row, request.POST if step in (_FILLED, _CONFIRMED) else None) if button.form else None
        ready = step == _CONFIRMED or (step == _FILLED and bool(button.preview))
        if button.asks and not (ready and (form is None or form.is_valid())):
            return self._ask(request, button, form, row, back)
        arguments = [*([row] if row else []), *([form.cleaned_data] if form else [])]
        try:
            if step == _FILLED:
                preview: Panel = getattr(self, button.preview)(request, *arguments)
                return self._ask(request, button, form, row, back, preview=preview)
            said: Said = getattr(self, button.run)(request, *arguments)
        except REFUSALS as refusal:
            if form:
                form.add_error(None, "\n".join(sentences(refusal)))
                return self._ask(request, button, form, row, back)
            said = Said(" ".join(sentences(refusal)), messages.ERROR)
        messages.add_message(request, said.level, said.text)
        return redirect(said.address or back)

    def _ask(
        self,
        request: HttpRequest,
        button: Button,
        form: forms.Form | None,
        row: Model | None,
        back: str,
        *,
        preview: Panel | None = None,
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": button.verb,
            "opts": self.opts,
            "original": row,
            "button": button,
            "form": form,
            "previews": [preview] if preview else [],
            "next_step": _FILLED if button.preview and preview is None else _CONFIRMED,
            "back": back,
        }
        return render(request, "admin/buttons/ask.html", context)
