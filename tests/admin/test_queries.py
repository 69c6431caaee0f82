"""Lists cost the same however many rows there are, and large tables are never counted."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from credits.services import wallets
from gateway.services import keys
from llmconfig.services import catalog, servers
from opscenter.core.models import User
from tests.admin.site import Site, World, make_request
from tests.admin.test_pages import MODELS, name_of

pytestmark = pytest.mark.once

MOST_QUERIES = 12
LARGE = {
    "credits_journal",
    "credits_entry",
    "credits_hold",
    "credits_lot",
    "credits_manualadjustment",
    "credits_purchase",
    "credits_stripeevent",
    "gateway_requestrow",
    "gateway_attemptrow",
    "core_auditentry",
}


def queries(site: Site, page: str) -> list[str]:
    site.get(f"{page}_changelist")
    with CaptureQueriesContext(connection) as captured:
        assert site.get(f"{page}_changelist").status_code == 200
    return [query["sql"] for query in captured.captured_queries]


def more_of_everything(world: World) -> None:
    for n in range(8):
        user = User.objects.create_user(f"consumer{n}")
        server = servers.create(
            fields={"name": f"gpu{n}", "server_type": "vllm", "base_url": f"http://127.0.0.1:{n + 1}"}, api_key="k" * 20
        )
        place = {"provider_type": "ai_server", "provider_id": server.pk, "upstream_model": "x"}
        catalog.create_model(values={"name": f"more{n}", "input_price": n}, deployments=[place])
        keys.issue(user=user, name=f"key{n}", account=wallets.wallet_of(user))
        make_request(world.wallet, world.virtual_key)


def test_every_list_is_bounded_in_queries(root: Site, world: World) -> None:
    pages = [name_of(model) for model in MODELS]
    few = {page: len(queries(root, page)) for page in pages}
    more_of_everything(world)
    many = {page: len(queries(root, page)) for page in pages}

    assert many == few
    assert [page for page, count in many.items() if count > MOST_QUERIES] == []


def test_large_tables_are_not_counted(root: Site, world: World) -> None:
    asked = {page: queries(root, page) for page in LARGE}

    assert [page for page, sqls in asked.items() if any("COUNT(" in sql.upper() for sql in sqls)] == []


def test_a_models_page_is_bounded_in_queries(root: Site, world: World) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert root.get("llm_llmmodel_change", world.model.pk).status_code == 200
        return len(captured.captured_queries)

    count()
    few = count()
    for n in range(4):
        where = {"provider_type": "ai_server", "provider_id": world.server.pk, "upstream_model": f"more{n}"}
        catalog.create_deployment(model=world.model, values=where)

    assert count() == few


def test_a_receipt_is_bounded_in_queries(root: Site, world: World) -> None:
    # What Django reads once and keeps, such as content types.
    root.get("gateway_requestrow_change", world.request.pk)
    with CaptureQueriesContext(connection) as captured:
        root.get("gateway_requestrow_change", world.request.pk)

    assert len(captured.captured_queries) <= MOST_QUERIES


def test_a_model_of_many_deployments_lists_them_instead_of_a_form_for_each(root: Site, world: World) -> None:
    assert 'name="deployments-0-upstream_model"' in root.get("llm_llmmodel_change", world.model.pk).content.decode()
    for n in range(9):
        where = {"provider_type": "ai_server", "provider_id": world.server.pk, "upstream_model": f"more{n}"}
        catalog.create_deployment(model=world.model, values=where)

    page = root.get("llm_llmmodel_change", world.model.pk).content.decode()

    assert 'name="deployments-0-upstream_model"' not in page
    assert "more8" in page
    assert f"?model__id__exact={world.model.pk}" in page
