"""The page of one row, as what is mixed into a ModelAdmin adds to it."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from opscenter.core.admin_base.unfolded import Page


class RowPage(Page):
    """The base of mixins, each of which extends `row_context`."""

    def row_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """For the template, and the place to leave messages: it is called for each page shown. A new one has no row."""
        return {}

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        context |= self.row_context(request, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)
