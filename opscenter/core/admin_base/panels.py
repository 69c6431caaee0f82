"""Tables below a row's fields: what belongs to it, in a bounded number of rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.utils import quote
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from opscenter.core.admin_base.row_page import RowPage


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


class Panels(RowPage):
    """Mixed into a ModelAdmin whose rows have `panels`."""

    change_form_outer_after_template = "admin/panels.html"

    def panels(self, request: HttpRequest, row: Any) -> Iterable[Panel]:
        return ()

    def row_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        panels = list(self.panels(request, row)) if row else []
        return {**super().row_context(request, row), "panels": panels}


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
