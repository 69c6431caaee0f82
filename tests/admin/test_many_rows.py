"""With many rows of everything, each page is still a bounded number of queries and of bytes."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection, transaction
from django.db.models import ForeignKey, Model
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from pytest_django.plugin import DjangoDbBlocker

from credits.models import Lot, Purchase
from opscenter.core.models import AuditEntry, User
from tests.admin.many import MANY, USED, make_many
from tests.admin.site import Site, World, make_world
from tests.admin.test_pages import ADDABLE, MODELS, name_of

pytestmark = [pytest.mark.django_db, pytest.mark.once]
MOST_QUERIES = 16
MOST_QUERIES_OF_THE_FRONT_PAGE = 32
MOST_BYTES = 420_000
LIST_LENGTH = 50


@pytest.fixture(scope="module")
def crowded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[Site, World]]:
    """One transaction for the whole module: its tests only read, and filling the tables takes seconds."""
    with django_db_blocker.unblock(), transaction.atomic():
        root = Site(User.objects.create_superuser("root", password="root-has-a-password"))
        world = make_world(User.objects.create_user("charlie"))
        make_many(world)
        # Else each test checks at its end what all these rows point to.
        connection.check_constraints()
        yield root, world
        transaction.set_rollback(True)


def bounded(site: Site, address: str, *, queries: int = MOST_QUERIES) -> HttpResponse:
    """The page, which opened and was no burden."""
    with CaptureQueriesContext(connection) as captured:
        answer = site.client.get(address)
    assert answer.status_code == 200, address
    assert len(answer.content) < MOST_BYTES, (address, len(answer.content))
    assert len(captured) <= queries, (address, len(captured))
    return answer  # type: ignore[return-value]


def list_address(model: type[Model]) -> str:
    return f"/admin/{name_of(model).replace('_', '/', 1)}/"


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_a_list_its_search_and_its_filters_are_bounded(model: type[Model], crowded: tuple[Site, World]) -> None:
    root, _ = crowded
    address = list_address(model)
    page: Any = bounded(root, address)

    changes = page.context["cl"]
    if admin.site._registry[model].search_fields:
        for term in ("12", "no such thing"):
            bounded(root, f"{address}?q={term}")
    for filter in changes.filter_specs:
        choices = [choice["query_string"] for choice in filter.choices(changes) if "query_string" in choice]
        for query in choices[1:3]:
            bounded(root, address + query)


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_a_list_leaves_no_row_out(model: type[Model], crowded: tuple[Site, World]) -> None:
    root, _ = crowded
    stored = model._default_manager.count()
    numbers = (1, 2) if stored > LIST_LENGTH else (1,)
    pages: list[Any] = [bounded(root, f"{list_address(model)}?p={number}") for number in numbers]
    shown = [row.pk for page in pages for row in page.context["cl"].result_list]

    assert len(set(shown)) == len(shown) == min(stored, len(pages) * LIST_LENGTH)


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_its_pages_of_one_row_are_bounded(model: type[Model], crowded: tuple[Site, World]) -> None:
    root, _ = crowded
    rows = model._default_manager.order_by("pk")
    for row in (rows[0], rows.reverse()[0]):
        bounded(root, f"{list_address(model)}{row.pk}/change/")
    if name_of(model) in ADDABLE:
        bounded(root, f"{list_address(model)}add/")


def test_the_pages_that_much_belongs_to_are_bounded(crowded: tuple[Site, World]) -> None:
    root, world = crowded
    sold = (Purchase.objects.get(state="paid"), Lot.objects.latest("pk"))
    for row in (world.wallet, world.model, world.server, world.key, world.virtual_key, world.active, *sold):
        bounded(root, f"{list_address(type(row))}{row.pk}/change/")
    bounded(root, "/admin/", queries=MOST_QUERIES_OF_THE_FRONT_PAGE)


def test_what_is_asked_before_something_is_set_back_is_bounded(crowded: tuple[Site, World]) -> None:
    root, world = crowded
    change = AuditEntry.objects.latest("id")
    asked = (("core_auditentry", change, "revert"), ("llm_providerkey", world.key, "revert"))
    for page, row, button in (*asked, ("llm_providerkey", world.key, "revoke-version")):
        with CaptureQueriesContext(connection) as captured:
            answer = root.press(page, row, button)
        assert (answer.status_code, len(answer.content) < MOST_BYTES) == (200, True), button
        assert len(captured) <= MOST_QUERIES, (button, len(captured))


@pytest.mark.parametrize("model", [model for model in MODELS if name_of(model) in ADDABLE], ids=name_of)
def test_rows_to_point_at_are_looked_up_by_a_few_letters(model: type[Model], crowded: tuple[Site, World]) -> None:
    root, _ = crowded
    fields = admin.site._registry[model].get_autocomplete_fields(None)  # type: ignore[arg-type]

    for field in fields:
        query = f"?app_label={model._meta.app_label}&model_name={model._meta.model_name}&field_name={field}&term=1"
        found = json.loads(bounded(root, f"/admin/autocomplete/{query}").content)
        assert 0 < len(found["results"]) <= 20


@pytest.mark.parametrize("model", [model for model in MODELS if name_of(model) in ADDABLE], ids=name_of)
def test_nothing_that_grows_is_a_drop_down(model: type[Model]) -> None:
    page = admin.site._registry[model]
    pages = [page, *(inline(model, admin.site) for inline in page.inlines)]
    growing = [
        f"{one.model._meta.label}.{field.name}"
        for one in pages
        for field in one.model._meta.get_fields()
        if isinstance(field, ForeignKey) and field.editable and one.model._meta.label != "auth.Permission"
        if field.name not in one.get_autocomplete_fields(None)  # type: ignore[arg-type]
        if field.related_model is not model or one is page
    ]

    assert growing == []


def test_there_are_many(crowded: tuple[Site, World]) -> None:
    grown = [model._default_manager.count() for model in MODELS]

    assert sum(rows >= MANY for rows in grown) >= 4
    assert sum(rows >= USED for rows in grown) >= 16
