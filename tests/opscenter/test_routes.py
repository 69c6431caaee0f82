"""No route of the API is open by oversight: a new one is seen here without being listed."""

import re

import pytest
from django.test import Client
from django.urls import URLPattern
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from gateway.urls import INFERENCE_PREFIXES
from gateway.views.base import InferenceView
from opscenter.core.api import LLMPermission
from tests.access.walk import patterns, view_class

pytestmark = pytest.mark.once

# What anybody may ask for: to sign in, and what the API looks like.
OPEN = {"api/v1/auth/login", "api/schema", "api/docs"}
# /metrics has a rule of its own: test_scraping.py.
OUTSIDE_THE_API = (
    *("health/", "metrics", "admin/", "accounts/", "static/", "favicon.ico"),
    # What Stripe calls, by a signature, and a page: tests/stripe.
    *("stripe/", "credits/"),
)


def api_routes() -> list[tuple[str, type[APIView]]]:
    return [
        (route, api_view(pattern)) for route, pattern in patterns() if route and not route.startswith(OUTSIDE_THE_API)
    ]


def api_view(pattern: URLPattern) -> type[APIView]:
    found = view_class(pattern)
    assert found is not None and issubclass(found, APIView), pattern
    return found


def test_there_are_routes_to_look_at() -> None:
    assert len(api_routes()) > 20


@pytest.mark.parametrize(("route", "view"), api_routes(), ids=str)
def test_every_route_asks_for_a_permission(route: str, view: type[APIView]) -> None:
    if route in OPEN:
        return
    assert AllowAny not in view.permission_classes
    assert LLMPermission in view.permission_classes, view
    assert getattr(view, "required_permissions", None), view


def test_every_inference_view_is_served_by_the_handler_without_middleware() -> None:
    for route, view in api_routes():
        if issubclass(view, InferenceView):
            assert f"/{route}".startswith(INFERENCE_PREFIXES)


def test_the_docs_find_their_scripts_and_the_front_page_is_the_admin(client: Client) -> None:
    page = client.get("/api/docs").content.decode()
    scripts = re.findall(r"/static/[^\"']+\.(?:js|css)", page)
    assert len(scripts) >= 2
    for script in scripts:
        assert client.get(script).status_code == 200, script
    assert client.get("/").headers["Location"] == "/admin/"
