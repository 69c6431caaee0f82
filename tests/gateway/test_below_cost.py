"""Packages and power levels that sell below what providers cost are told of, and no others."""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from credits.amounts import to_nano
from credits.models import Package, PowerLevel, Tier
from gateway.margin.below_cost import below_cost, what_credits_buy
from llmconfig.services import catalog, provider_keys, servers
from llmconfig.services.costly import costly_providers
from tests.gateway.test_margin import called

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture(autouse=True)
def nothing_for_sale() -> None:
    """Whatever an installation ships with."""
    Package.objects.all().delete()


def package(credits: str, cents: int, **fields: object) -> Package:
    values = {"slug": f"p{cents}", "name": f"{credits} credits", "credits_nano": to_nano(credits)} | fields
    return Package.objects.create(price_minor=cents, **values)


def serves(provider: str, *, price: str = "2") -> None:
    """A deployment at that provider, or on a server of the operator's."""
    if provider == "local":
        fields = {"name": "gpu", "server_type": "vllm", "base_url": "http://127.0.0.1:9"}
        place = {"provider_type": "ai_server", "provider_id": servers.create(fields=fields, api_key="").pk}
    else:
        key = provider_keys.create(fields={"provider": provider, "key_name": "main"}, api_key="k" * 20)
        place = {"provider_type": "api_key", "provider_id": key.pk}
    deployments = [{**place, "upstream_model": "x"}]
    catalog.create_model(values={"name": f"at-{provider}", "input_price": price}, deployments=deployments)


def found() -> list[tuple[str, str, str]]:
    return [(one.kind, one.slug, f"{one.share.normalize():f}") for one in below_cost()]


def test_a_package_at_face_value_sells_at_cost_even_without_a_markup() -> None:
    package("1000", 100)

    assert found() == []


def test_a_package_with_a_discount_sells_below_cost_to_tiers_whose_markup_is_less() -> None:
    package("5000", 450)
    package("10000", 800)
    package("10000", 700)

    texts = [one.text for one in below_cost()]

    assert found() == [("package", "p450", "0.9"), ("package", "p700", "0.7"), ("package", "p800", "0.8")]
    assert texts[0].endswith("of what a provider costs, tier free pays 90.0 %.")
    assert texts[1].endswith("tier free pays 70.0 %, tier starter pays 98.0 %.")


def test_a_package_pays_by_what_a_dollar_buys(settings: Settings) -> None:
    settings.CREDITS_PER_USD = "1"
    package("1000", 100)

    assert found() == [("package", "p100", "0.001")]


def test_what_is_not_for_sale_or_in_another_currency_is_not_judged() -> None:
    package("5000", 1, active=False)
    package("5000", 2, currency="jpy")

    assert found() == []
    assert what_credits_buy() == []


def test_a_power_level_sells_below_cost_what_costs_money_and_no_more() -> None:
    serves("local", price="0")
    assert found() == []

    serves("groq")

    assert found() == [("power_level", "eco", "0.1")]
    (eco,) = below_cost()
    assert eco.text.startswith("Power level eco sells groq below cost:")
    assert "tier free pays 10.0 %, tier starter pays 14.0 %" in eco.text


def test_a_multiplier_that_the_markups_make_up_for_is_fine() -> None:
    serves("groq")
    PowerLevel.objects.filter(slug="eco").update(multiplier="0.8")
    Tier.objects.filter(slug="free").update(markup="0.25")

    assert found() == []


def test_only_enabled_deployments_of_the_platform_with_a_price_cost_money() -> None:
    serves("local", price="0")
    serves("groq", price="0")
    serves("together", price="0.5")

    assert costly_providers() == {"together"}


def test_what_a_dollar_buys_is_told_by_tier_and_at_the_lowest_multiplier() -> None:
    serves("groq")
    package("10000", 800)

    (bought,) = what_credits_buy()

    assert bought.price_usd_per_credit == Decimal("0.0008")
    assert bought.by_tier["free"] == Decimal("1.25")
    assert round(bought.by_tier["starter"], 6) == Decimal("0.892857")
    assert bought.at_worst == Decimal("12.5")


def test_the_command_lists_all_of_it() -> None:
    package("10000", 800)
    called(paid="1", cost_nano_usd=3 * 10**9, model="dear")
    out = StringIO()

    call_command("check_margin", stdout=out)

    package_line, loss, last = out.getvalue().splitlines()
    assert "10000 credits" in package_line
    assert loss.endswith("model dear, tier starter: paid $0.0010, providers $3.0000.")
    assert last == "2 warnings"
    with pytest.raises(SystemExit):
        call_command("check_margin", "--strict", stdout=out)
