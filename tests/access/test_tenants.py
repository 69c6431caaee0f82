"""Of what belongs to somebody else, nobody learns that it is there."""

import re
from collections.abc import Callable
from secrets import token_hex
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from credits.amounts import NANO
from credits.models import Package, Purchase
from gateway.models import RequestRow, VirtualKey
from llmconfig.models import ProviderKey
from llmconfig.services import own_models, provider_keys
from opscenter.core.models import User
from tests.access.people import EVERYBODY, USER, USERS_KEY, USERS_TOKEN, signed_in
from tests.access.table import Kind, line_of
from tests.access.walk import Route, all_routes
from tests.admin.site import make_request
from tests.gateway.people import key_of, person, wallet
from tests.llmconfig.api import OPENAI_SECRET

pytestmark = [pytest.mark.django_db, pytest.mark.once]

USERS = (USERS_KEY, USERS_TOKEN, USER)
# What the platform's operators configured is nobody's own.
NOBODYS = "api/v1/llm-config/"
TO_DO = "{} names a row that users may ask for: say in ROWS of tests/access/test_tenants.py how one of Bob's is made."


def _provider_key(bob: User) -> ProviderKey:
    name = f"his-{token_hex(4)}"
    return provider_keys.create(fields={"provider": "openai", "key_name": name, "owner": bob}, api_key=OPENAI_SECRET)


def _model(bob: User) -> Any:
    deployment = {"provider_type": "api_key", "provider_id": _provider_key(bob).pk, "upstream_model": "gpt-x"}
    return own_models.create(owner=bob, values={"name": "bobs"}, deployments=[deployment])


def _virtual_key(bob: User) -> VirtualKey:
    return key_of(bob).row


def _request(bob: User) -> RequestRow:
    return make_request(wallet(bob), key_of(bob).row)


def _purchase(bob: User) -> Purchase:
    package = Package.objects.create(slug="of-a-test", name="Of a test", credits_nano=1000 * NANO, price_minor=100)
    return Purchase.objects.create(
        account=wallet(bob),
        package=package,
        package_version=1,
        credits_nano=1000 * NANO,
        amount_minor=100,
        currency="usd",
        livemode=False,
        state=Purchase.State.EXPIRED,
        session_id="cs_of_a_test",
        actor=f"user:{bob.pk}",
    )


ROWS: dict[str, Callable[[User], Any]] = {
    "api/v1/llm/models/": _model,
    "api/v1/llm/keys/": _virtual_key,
    "api/v1/llm/providers/": _provider_key,
    "api/v1/llm/usage/requests/": _request,
    "credits/purchases/": _purchase,
}


def own_routes() -> list[Route]:
    """Those that name a row, by a number or a UUID, which a user may have."""
    return [
        route
        for route in all_routes()
        if re.search(r"<(int|uuid):", route.pattern)
        and not route.pattern.startswith((NOBODYS, "admin/"))
        and (line := line_of(route.pattern)) is not None
        and line.kind in (Kind.MANAGED, Kind.PAGE)
        and any(line.lets_in(who, method) for who in USERS for method in route.methods)
    ]


def address(route: Route, row: Any) -> str:
    return "/" + re.sub(r"<\w+:\w+>", str(row.pk), route.pattern, count=1) + "?mine=true"


def test_every_route_to_a_row_of_ones_own_is_looked_at() -> None:
    assert own_routes()
    for route in own_routes():
        assert route.pattern.startswith(tuple(ROWS)), TO_DO.format(route.pattern)


def test_a_row_of_somebody_else_is_not_there() -> None:
    bob = person("bob", "LLM user")
    owner, strangers = signed_in(bob), {who: EVERYBODY[who]() for who in USERS}
    rows = {prefix: make(bob) for prefix, make in ROWS.items() if _is_served(prefix)}
    for route in own_routes():
        row = next(row for prefix, row in rows.items() if route.pattern.startswith(prefix))
        for method in route.methods:
            for who, visitor in strangers.items():
                answer = visitor.client.generic(method, address(route, row), b"{}", "application/json")
                # A key is no sign-in to a page, and a virtual key manages nothing; a page isn't asked by any method.
                absent = (404, 405) if who == USER else (302, 403, 404, 405)
                assert answer.status_code in absent, (who, method, route.pattern, answer.content)
        if "GET" in route.methods and "api/" in route.pattern:
            assert owner.client.get(address(route, row)).status_code == 200, route.pattern


def test_what_is_somebody_elses_is_not_to_be_had_by_their_name() -> None:
    person("bob", "LLM user")
    strangers = {who: EVERYBODY[who]() for who in USERS}
    described = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]  # drf-spectacular's
    asked = [
        path
        for path, operations in described["paths"].items()
        if "user" in [parameter["name"] for parameter in operations.get("get", {}).get("parameters", ())]
    ]
    assert len(asked) >= 4
    for path in asked:
        for name in ("bob", "*", "%00", "BOB", "bob%20"):
            for who, visitor in strangers.items():
                answer = visitor.client.get(f"{path}?user={name}")
                assert answer.status_code in (403, 422), (who, path, name, answer.content)


def _is_served(prefix: str) -> bool:
    return any(route.pattern.startswith(prefix) for route in own_routes())
