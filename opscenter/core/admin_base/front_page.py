"""Panels that apps put on the admin's front page, each registered beside the app's own pages.

@on_front_page(order=20)
def drift(request):
    yield Panel("Models that the proxy lacks", ...)
"""

from collections.abc import Callable, Iterable

from django.http import HttpRequest

from opscenter.core.admin_base.panels import Panel

Shows = Callable[[HttpRequest], Iterable[Panel]]
"""The panels for whom `request` comes from, none for whom may not see them, in a few bounded queries."""

_registered: dict[str, tuple[int, Shows]] = {}


def on_front_page(*, order: int) -> Callable[[Shows], Shows]:
    """Show the function's panels under "Health and drift", by ascending `order`."""

    def register(shows: Shows) -> Shows:
        _registered[f"{shows.__module__}.{shows.__qualname__}"] = (order, shows)
        return shows

    return register


def front_page_panels(request: HttpRequest) -> list[Panel]:
    in_order = sorted(_registered.items(), key=lambda item: (item[1][0], item[0]))
    return [panel for _, (_, shows) in in_order for panel in shows(request)]
