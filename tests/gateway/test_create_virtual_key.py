"""`manage.py create_virtual_key`: one line for scripts, and everything behind it."""

from decimal import Decimal
from io import StringIO
from typing import NamedTuple

import pytest
from django.core.management import CommandError, call_command

from gateway.budgets import KEY, PeriodBudget
from gateway.models import VirtualKey
from gateway.services.keys import IssuedKey, hash_key
from opscenter.core.models import AuditEntry, User
from tests.gateway.people import caller_by, person, wallet

pytestmark = [pytest.mark.django_db, pytest.mark.once]


class _Told(NamedTuple):
    key: str
    out: str
    err: str

    @property
    def row(self) -> VirtualKey:
        return VirtualKey.objects.get(secret_hash=hash_key(self.key))


def _create(*arguments: str) -> _Told:
    out, err = StringIO(), StringIO()
    call_command("create_virtual_key", "--user", "bob", *arguments, stdout=out, stderr=err)
    return _Told(out.getvalue().splitlines()[-1], out.getvalue(), err.getvalue())


def test_the_last_line_is_the_key_alone() -> None:
    told = _create()

    assert told.out.endswith(f"{told.key}\n")
    assert told.key == told.key.strip()
    assert told.row.user.username == "bob"
    assert told.key not in told.err


def test_a_missing_user_is_made_without_a_password_and_may_call_models() -> None:
    told = _create()

    bob = User.objects.get(username="bob")
    assert not bob.has_usable_password()
    assert not bob.is_staff
    assert bob.has_perm("llm.execute")
    assert not bob.has_perm("llm.manage_providers")
    assert wallet(bob).tier == "free"
    assert told.row.account == wallet(bob)


def test_a_user_who_is_there_stays_as_they_are() -> None:
    bob = person("bob", "LLM admin", tier="professional")
    bob.set_password("unchanged")
    bob.save()

    _create()

    bob = User.objects.get(username="bob")
    assert bob.check_password("unchanged")
    assert [group.name for group in bob.groups.all()] == ["LLM admin"]
    assert wallet(bob).tier == "professional"


def test_tier_credits_and_power_level_are_as_asked_for() -> None:
    told = _create("--tier", "starter", "--credits", "1000.5", "--power-level", "balanced", "--name", "for tests")

    assert told.row.account.tier == "starter"
    assert told.row.account.posted == 1_000_500_000_000
    assert (told.row.power_level, told.row.name) == ("balanced", "for tests")


def test_a_key_has_no_budget_unless_it_is_given_one() -> None:
    assert caller_by(IssuedKey(_create().row, "")).budgets == ()

    row = _create("--budget", "12.000000001").row
    assert (row.budget_credits, row.budget_period) == (Decimal("12.000000001"), "month")
    assert caller_by(IssuedKey(row, "")).budgets == (PeriodBudget(KEY, row.pk, 12_000_000_001, "month"),)
    assert _create("--budget", "5", "--budget-period", "day").row.budget_period == "day"
    assert _create("--budget", "0").row.budget_credits == 0


def test_credits_add_up_over_several_keys() -> None:
    _create("--credits", "10")
    told = _create("--credits", "5")

    assert told.row.account.posted == 15 * 10**9


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("dev", "dev"),
        ("development", "dev"),
        ("test", "test"),
        ("staging", "staging"),
        ("evaluation", "eval"),
        ("prod", "prod"),
        ("Production", "prod"),
    ],
)
def test_environments_go_by_short_and_long_names(given: str, kept: str) -> None:
    assert _create("--environment", given).row.environment == kept


def test_a_keys_bearer_is_somebody_at_once() -> None:
    told = _create("--tier", "enterprise")

    known = caller_by(IssuedKey(told.row, told.key))
    assert (known.tier, known.permissions) == ("enterprise", frozenset({"llm.read", "llm.execute"}))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--environment", "mars"),
        ("--power-level", "turbo"),
        ("--tier", "gold"),
        ("--credits", "-1"),
        ("--credits", "many"),
        ("--credits", "0.0000000001"),
        ("--credits", "1e30"),
        ("--budget", "-1"),
        ("--budget", "many"),
        ("--budget-period", "year"),
    ],
)
def test_what_makes_no_sense_leaves_nothing_behind(arguments: tuple[str, str]) -> None:
    with pytest.raises(CommandError):
        _create(*arguments)

    assert not User.objects.filter(username="bob").exists()
    assert not VirtualKey.objects.exists()


def test_a_deactivated_user_gets_no_key() -> None:
    person("bob", is_active=False)

    with pytest.raises(CommandError, match="deactivated"):
        _create()


def test_the_audit_log_says_that_the_command_did_it() -> None:
    before = set(AuditEntry.objects.values_list("pk", flat=True))

    _create("--tier", "starter", "--credits", "1")

    entries = AuditEntry.objects.exclude(pk__in=before)
    assert {entry.source for entry in entries} == {"command:create_virtual_key"}
    assert {"llm_virtual_keys", "users", "llm_credits"} <= {entry.entity_type for entry in entries}
