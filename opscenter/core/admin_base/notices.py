"""Sentences that apps put above the pages of others' models, which needn't know of them.

@on_pages_of("credits.tier", "credits.powerlevel")
def below_cost(request):
    yield "Power level eco sells ..."
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from opscenter.core.admin_base.row_page import RowPage

Tells = Callable[[HttpRequest], Iterable[str]]
"""In a few bounded queries."""

_registered: dict[str, list[Tells]] = {}


def on_pages_of(*labels: str) -> Callable[[Tells], Tells]:
    """Show the function's sentences as warnings above the lists and the rows of these models."""

    def register(tells: Tells) -> Tells:
        for label in labels:
            _registered.setdefault(label, []).append(tells)
        return tells

    return register


class Noticed(RowPage):
    """Mixed into every page; only what shows tells, not what saves and leads elsewhere."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self._tell_notices(request)
        return super().changelist_view(request, extra_context)

    def row_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        self._tell_notices(request)
        return super().row_context(request, row)

    def _tell_notices(self, request: HttpRequest) -> None:
        if request.method != "GET":
            return
        for tells in _registered.get(self.opts.label_lower, ()):
            for sentence in tells(request):
                self.message_user(request, sentence, messages.WARNING)
