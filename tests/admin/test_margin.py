"""The margin's page, and where its warnings show."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from credits.amounts import to_nano
from credits.models import Package
from tests.admin.site import Site, World, text
from tests.gateway.test_margin import TODAY, called

WARNING = "Package Big sells 10000 credits below cost"


@pytest.fixture
def big(db: None) -> Package:
    Package.objects.update(active=False)
    return Package.objects.create(slug="big", name="Big", credits_nano=to_nano("10000"), price_minor=800)


def test_the_sidebar_leads_to_it_and_it_shows_what_was_earned(root: Site, big: Package) -> None:
    called(paid="1400", cost_nano_usd=10**9)
    called(paid="1", cost_nano_usd=10**9, model="dear", tier="free")

    assert 'href="/admin/gateway/usagestat/margin/"' in root.get("index").content.decode()
    said = text(root.get("gateway_usagestat_margin"))

    assert f"{TODAY} dear free 1 0 / 0 1 0.0010 1.0000 -0.9990 -99900.00 %, below cost" in said
    assert f"{TODAY} m1 starter 1 0 / 0 1400 1.4000 1.0000 0.4000 28.57 %" in said
    assert "Big 0.0008 1.2500" in said
    assert WARNING in said


def test_it_shows_the_days_and_groups_asked_for_and_says_what_it_does_not_understand(root: Site, db: None) -> None:
    called(paid="1400", days_ago=3)

    assert "m1" not in text(root.get("gateway_usagestat_margin", group_by="tier"))
    assert "No" not in text(root.get("gateway_usagestat_margin", **{"from": TODAY.isoformat()})).split("Margin")[0]
    assert "'user' is none of day, model" in text(root.get("gateway_usagestat_margin", group_by="user"))
    assert "is after" in text(root.get("gateway_usagestat_margin", **{"from": "2026-11-02", "to": "2026-11-01"}))


def test_more_groups_than_fit_go_on_other_pages_and_are_all_summed_up(
    root: Site, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.admin.margin._MOST_GROUPS", 2)
    for model in ("alpha", "beta", "gamma"):
        called(paid="500", model=model)

    def shown(page: str) -> tuple[list[str], str]:
        said = text(root.get("gateway_usagestat_margin", group_by="model,tier", p=page))
        assert "3 0 / 0 1500 1.5000" in said
        return [model for model in ("alpha", "beta", "gamma") if f"{model} starter" in said], said

    first, last = shown("1"), shown("2")
    assert (first[0], last[0]) == (["alpha", "beta"], ["gamma"])
    assert "Page 1 Next" in first[1]
    assert "Previous Page 2" in last[1]
    page = root.get("gateway_usagestat_margin", group_by="model,tier").content.decode()
    assert "?group_by=model%2Ctier&amp;p=2" in page
    assert shown("3")[0] == []
    for nonsense in ("0", "-1", "x", "9" * 30, "²"):
        assert shown(nonsense) == first


def test_what_sells_below_cost_is_told_on_the_pages_where_it_is_changed(root: Site, big: Package) -> None:
    for page in ("credits_tier_changelist", "credits_powerlevel_changelist"):
        assert WARNING in text(root.get(page))
    assert WARNING in text(root.get("credits_package_change", big.pk))
    assert WARNING in text(root.get("index"))


def test_a_loss_is_told_on_the_front_page(root: Site, db: None) -> None:
    called(paid="1", cost_nano_usd=3 * 10**9, model="dear")

    assert "dear, tier starter: consumers paid $0.00 for what providers charge $3.00 for." in text(root.get("index"))


def test_whoever_may_not_read_money_sees_none_of_it(big: Package, charlie: Site) -> None:
    assert charlie.get("gateway_usagestat_margin").status_code in (302, 403)


def test_its_queries_do_not_grow_with_what_it_shows(root: Site, world: World, big: Package) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert root.get("gateway_usagestat_margin").status_code == 200
        assert not [query for query in captured.captured_queries if "llm_requests" in query["sql"]]
        return len(captured)

    count()
    few = count()
    for n in range(9):
        called(paid="1", model=f"m{n}")

    assert count() == few <= 14
