"""Tables below a row's fields: what belongs to it, in a bounded number of rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.utils import quote
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from opscenter.core.admin_base.unfolded import Page


@dataclass(frozen=True, slots=True)
class Panel:
    """`rows` hold plain text, which is escaped, or safe HTML."""

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[Any]]
    link: str = ""
    link_text: str = ""

    def labelled_rows(self) -> list[list[tuple[str, Any]]]:
        """Each cell with its column's header, which stands beside it where the screen is narrow."""
        return [list(zip(self.headers, row, strict=True)) for row in self.rows]


class Panels(Page):
    """Mixed into a ModelAdmin whose rows have `panels`."""

    change_form_outer_after_template = "admin/panels.html"

    def panels(self, request: HttpRequest, row: Any) -> Iterable[Panel]:
        return ()

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        context["panels"] = list(self.panels(request, obj)) if obj else []
        return super().render_change_form(request, context, add, change, form_url, obj)


def linked(model: type[Model], pk: Any, text: Any = None) -> str:
    """A link to the page of one row; "–" without one."""
    if pk is None:
        return "–"
    opts = model._meta
    address = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[quote(pk)])
    return format_html('<a class="text-link" href="{}">{}</a>', address, pk if text is None else text)


def list_of(model: type[Model], **wanted: Any) -> str:
    """The address of a model's list, filtered."""
    opts = model._meta
    return f"{reverse(f'admin:{opts.app_label}_{opts.model_name}_changelist')}?{urlencode(wanted)}"
