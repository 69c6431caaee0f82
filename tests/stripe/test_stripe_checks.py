"""Purchases that could not be paid, or webhooks that anybody could forge, keep everything from starting."""

from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from django.core.checks import run_checks

from opscenter import secrets_file
from tests.opscenter.test_settings import read

KEY, SECRET = f"sk_test_{token_hex(24)}", f"whsec_{token_hex(24)}"


def found(settings: Any, **values: object) -> list[str]:
    sold = {"STRIPE_SECRET_KEY": KEY, "STRIPE_WEBHOOK_SECRET": SECRET, "PUBLIC_URL": "https://ops.example"}
    for name, value in (sold | values).items():
        setattr(settings, name, value)
    problems = [message for message in run_checks() if str(message.id).startswith("credits.E01")]
    assert all(message.hint for message in problems)
    return [f"{message.id} {message.msg}" for message in problems]


def test_what_is_needed_is_fine(settings: Any) -> None:
    assert found(settings) == []
    assert found(settings, STRIPE_SECRET_KEY=f"rk_live_{token_hex(24)}", STRIPE_LIVEMODE=True) == []


def test_events_are_kept_for_longer_than_stripe_repeats_them(settings: Any) -> None:
    assert found(settings, STRIPE_EVENTS_KEPT_DAYS=60) == []
    assert found(settings, STRIPE_EVENTS_KEPT_DAYS=59) == ["credits.E014 STRIPE_EVENTS_KEPT_DAYS is 59."]


def test_where_nothing_is_for_sale_nothing_is_asked_for(settings: Any) -> None:
    assert found(settings, STRIPE_SECRET_KEY="", STRIPE_WEBHOOK_SECRET="", PUBLIC_URL="") == []


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        (" ", "is empty"),
        (f"pk_test_{token_hex(12)}", "is a publishable key"),
        (token_hex(24), "has not the form"),
        (f"sk_test_{token_hex(24)}\n", "has not the form"),
        ("sk_test_xxxxxxxxxxxxxxxxxxxxxxxx", "is a placeholder"),
        ("sk_test_" + "4eC39HqLyjWDarjt" + "T1zdp7dc", "is a placeholder"),
    ],
    ids=["a space", "publishable", "without the prefix", "with a line's end", "a placeholder", "printed somewhere"],
)
def test_a_key_that_is_none_is_an_error(settings: Any, key: str, complaint: str) -> None:
    (problem,) = found(settings, STRIPE_SECRET_KEY=key)
    assert problem.startswith(f"credits.E010 STRIPE_SECRET_KEY {complaint}")


NO_SECRETS = {
    "empty": "",
    "a space": " ",
    "a placeholder": "change-me",
    "a prefix": "whsec_",
    "a placeholder with a prefix": "whsec_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "without the prefix": token_hex(24),
}


@pytest.mark.parametrize("secret", NO_SECRETS.values(), ids=NO_SECRETS.keys())
def test_a_webhook_secret_that_is_none_is_an_error(settings: Any, secret: str) -> None:
    (problem,) = found(settings, STRIPE_WEBHOOK_SECRET=secret)
    assert problem.startswith("credits.E011 STRIPE_WEBHOOK_SECRET")


@pytest.mark.parametrize(("url", "live"), [("", False), ("ops.example", False), ("http://ops.example", True)])
def test_buyers_need_an_address_to_come_back_to(settings: Any, url: str, live: bool) -> None:
    (problem,) = found(settings, PUBLIC_URL=url, STRIPE_LIVEMODE=live)
    assert problem.startswith("credits.E012")


@pytest.mark.parametrize("base", ["", "http://stripe.example", "api.stripe.com"])
def test_the_key_goes_over_tls_alone(settings: Any, base: str) -> None:
    (problem,) = found(settings, STRIPE_API_BASE=base)
    assert problem.startswith("credits.E013")


@pytest.mark.once
def test_the_mode_is_the_keys_and_the_worker_has_work_where_there_is_one(tmp_path: Path) -> None:
    secrets_file.ensure(tmp_path)
    asked = "[settings.STRIPE_LIVEMODE, 'reconcile-stripe' in settings.CELERY_BEAT_SCHEDULE]"
    for key, expected in ((f"rk_live_{token_hex(24)}", [True, True]), (KEY, [False, True]), ("", [False, False])):
        assert read(asked, DATA_DIR=str(tmp_path), STRIPE_SECRET_KEY=key) == expected
