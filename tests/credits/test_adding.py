"""POST /api/v1/llm/credits/add, and the second operator whom much of it needs."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from credits.amounts import NANO
from credits.models import Account, Entry, Journal, ManualAdjustment
from credits.services import grants, wallets
from opscenter.core.models import AuditEntry, User
from tests.credits.ledger import balance, in_threads
from tests.credits.people import Asking, consumer, operator

MUCH = {"amount": "1001", "reason": "A large customer", "user": "alice"}


@pytest.fixture(autouse=True)
def _limit(settings: Settings) -> None:
    settings.CREDITS_APPROVAL_LIMIT = "1000"


@pytest.fixture
def olga(db: None) -> Asking:
    return operator("olga")


@pytest.fixture
def otto(db: None) -> Asking:
    return operator("otto")


def proposed(by: Asking, **changes: str) -> str:
    answer = by.post("/credits/add", {**MUCH, **changes})
    assert answer.status_code == 202
    return str(answer.json()["id"])


def test_an_operator_adds_credits_for_a_reason(alice: Account, olga: Asking) -> None:
    answer = olga.post("/credits/add", {"amount": "2.5", "reason": "Goodwill", "user": "alice"})
    said = answer.json()
    assert answer.status_code == 201
    assert (said["user"], said["amount"], said["state"], said["proposed_by"]) == ("alice", "2.5", "made", "olga")
    assert balance(alice) == (5 * NANO // 2, 0)
    journal = Journal.objects.get(idempotency_key=said["journal"])
    assert (journal.kind, journal.reason, journal.actor) == ("manual", "Goodwill", f"user:{olga.user.pk}")
    assert AuditEntry.objects.get(action="manual").changes["after"]["reason"] == "Goodwill"


def test_without_a_user_it_is_the_callers_own(olga: Asking) -> None:
    assert olga.post("/credits/add", {"amount": 3, "reason": "To try it"}).json()["user"] == "olga"
    assert wallets.wallet_of(olga.user).posted == 3 * NANO


def test_a_negative_amount_takes_back_at_most_what_is_available(alice: Account, olga: Asking) -> None:
    olga.post("/credits/add", {"amount": "10", "reason": "Given", "user": "alice"})
    refused = olga.post("/credits/add", {"amount": "-11", "reason": "Too much", "user": "alice"})
    assert (refused.status_code, refused.json()["error"]["details"]) == (402, {"available": "10"})
    assert olga.post("/credits/add", {"amount": "-4", "reason": "A mistake", "user": "alice"}).status_code == 201
    assert balance(alice)[0] == 6 * NANO


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"amount": "0"}, "amount"),
        ({"amount": 0.5}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": None}, "amount"),
        ({"amount": ["1"]}, "amount"),
        ({"amount": "a lot"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": "0.0000000001"}, "amount"),
        ({"amount": "1e30"}, "amount"),
        ({"reason": " "}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"user": "nobody"}, "user"),
        ({"user": ""}, "user"),
    ],
    ids=str,
)
def test_what_can_not_be_is_refused_and_says_why(
    alice: Account, olga: Asking, changes: dict[str, Any], param: str
) -> None:
    answer = olga.post("/credits/add", {"amount": "1", "reason": "x", "user": "alice", **changes})
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (422, param)
    assert error["message"]
    assert not Journal.objects.exists()


def test_what_is_missing_is_named(olga: Asking) -> None:
    answer = olga.post("/credits/add", {})
    assert answer.status_code == 422
    assert set(answer.json()["error"]["details"]["fields"]) == {"amount", "reason"}


@pytest.mark.parametrize("groups", [("LLM user",), ("LLM admin",)])
def test_whoever_may_not_move_credits_adds_none(alice: Account, groups: tuple[str, ...]) -> None:
    assert alice.user is not None
    asking = Asking(alice.user, *groups)
    assert asking.post("/credits/add", {"amount": "1", "reason": "For me"}).status_code == 403
    assert balance(alice) == (0, 0)


def test_what_is_sent_again_with_its_key_is_done_once(alice: Account, olga: Asking) -> None:
    body = {"amount": "5", "reason": "Goodwill", "user": "alice"}
    first, again = (olga.post("/credits/add", body, key="of-my-choice") for _ in range(2))
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert balance(alice)[0] == 5 * NANO
    assert olga.post("/credits/add", body, key="another").status_code == 201
    assert balance(alice)[0] == 10 * NANO


@pytest.mark.parametrize("changes", [{"amount": "6"}, {"reason": "Another"}, {"user": "olga"}], ids=str)
def test_a_key_stands_for_one_thing(alice: Account, olga: Asking, changes: dict[str, str]) -> None:
    body = {"amount": "5", "reason": "Goodwill", "user": "alice"}
    olga.post("/credits/add", body, key="k")
    answer = olga.post("/credits/add", {**body, **changes}, key="k")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "idempotency_key_reused")
    assert Journal.objects.count() == 1


def test_a_key_is_its_senders_own(alice: Account, olga: Asking, otto: Asking) -> None:
    body = {"amount": "5", "reason": "Goodwill", "user": "alice"}
    assert (
        olga.post("/credits/add", body, key="k").json()["id"] != otto.post("/credits/add", body, key="k").json()["id"]
    )


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_has_some_length_and_not_any(olga: Asking, key: str) -> None:
    answer = olga.post("/credits/add", {"amount": "5", "reason": "x"}, key=key)
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "Idempotency-Key")


@pytest.mark.parametrize("sign", ["", "-"])
def test_what_is_beyond_the_limit_is_proposed(alice: Account, olga: Asking, settings: Settings, sign: str) -> None:
    settings.CREDITS_APPROVAL_LIMIT = "5000"
    olga.post("/credits/add", {"amount": "2000", "reason": "Given", "user": "alice"})
    settings.CREDITS_APPROVAL_LIMIT = "1000"
    answer = olga.post("/credits/add", {**MUCH, "amount": f"{sign}1001"})
    said = answer.json()
    assert (answer.status_code, said["state"], said["journal"], said["decided_by"]) == (202, "proposed", None, None)
    assert balance(alice)[0] == 2000 * NANO
    assert AuditEntry.objects.get(action="propose").changes["after"]["amount"] == f"{sign}1001"


def test_the_limit_is_for_a_day_and_not_to_be_had_in_pieces(alice: Account, olga: Asking, otto: Asking) -> None:
    def add(by: Asking) -> int:
        return int(by.post("/credits/add", {**MUCH, "amount": "400"}).status_code)

    assert [add(olga) for _ in range(3)] == [201, 201, 202]
    assert add(otto) == 201
    ManualAdjustment.objects.update(created_at=timezone.now() - timedelta(days=1, seconds=1))
    assert add(olga) == 201


@pytest.mark.parametrize(("limit", "code"), [("", 201), ("0", 202), ("1001", 201)])
def test_the_limit_is_a_setting(olga: Asking, alice: Account, settings: Settings, limit: str, code: int) -> None:
    settings.CREDITS_APPROVAL_LIMIT = limit
    assert olga.post("/credits/add", MUCH).status_code == code


def test_a_second_operator_approves(alice: Account, olga: Asking, otto: Asking) -> None:
    id = proposed(olga)
    assert [row["id"] for row in otto.get("/credits/adjustments", state="waiting").json()["results"]] == [id]
    answer = otto.post(f"/credits/adjustments/{id}/approve")
    assert (answer.status_code, answer.json()["state"], answer.json()["decided_by"]) == (200, "made", "otto")
    assert balance(alice)[0] == 1001 * NANO
    assert Journal.objects.get().idempotency_key == answer.json()["journal"] == f"manual:{id}"
    assert AuditEntry.objects.get(action="approve").user_id == otto.user.pk
    assert otto.get("/credits/adjustments", state="waiting").json()["results"] == []
    assert otto.get(f"/credits/adjustments/{id}").json() == answer.json()


def test_what_another_approved_counts_for_nobodys_limit(alice: Account, olga: Asking, otto: Asking) -> None:
    otto.post(f"/credits/adjustments/{proposed(olga)}/approve")
    assert olga.post("/credits/add", {**MUCH, "amount": "1000"}).status_code == 201


@pytest.mark.parametrize("verb", ["approve", "decline"])
def test_nobody_decides_what_they_proposed(alice: Account, olga: Asking, verb: str) -> None:
    answer = olga.post(f"/credits/adjustments/{proposed(olga)}/{verb}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "wants_another")
    assert ManualAdjustment.objects.get().state == "proposed"
    assert balance(alice) == (0, 0)


def test_what_is_declined_is_never_made(alice: Account, olga: Asking, otto: Asking) -> None:
    id = proposed(olga)
    declined = otto.post(f"/credits/adjustments/{id}/decline", {"remark": "Ask the customer first"}).json()
    assert (declined["state"], declined["remark"]) == ("declined", "Ask the customer first")
    answer = otto.post(f"/credits/adjustments/{id}/approve")
    assert (answer.status_code, answer.json()["error"]["details"]) == (409, {"state": "declined"})
    assert balance(alice) == (0, 0)
    assert AuditEntry.objects.get(action="decline").changes["after"]["remark"] == "Ask the customer first"


def test_a_proposal_expires(alice: Account, olga: Asking, otto: Asking) -> None:
    id = proposed(olga)
    ManualAdjustment.objects.update(expires_at=timezone.now())
    assert otto.get("/credits/adjustments", state="waiting").json()["results"] == []
    assert otto.get(f"/credits/adjustments/{id}").json()["state"] == "expired"
    for verb in ("approve", "decline"):
        answer = otto.post(f"/credits/adjustments/{id}/{verb}")
        assert (answer.status_code, answer.json()["error"]["details"]) == (409, {"state": "expired"})
    assert balance(alice) == (0, 0)


def test_a_proposal_that_can_not_be_made_any_more_stays_open(alice: Account, olga: Asking, otto: Asking) -> None:
    otto.post("/credits/add", {**MUCH, "amount": "900"})
    other = operator("oscar")
    other.post("/credits/add", {**MUCH, "amount": "900"})
    id = proposed(olga, amount="-1001")
    assert other.post("/credits/add", {**MUCH, "amount": "-90"}).status_code == 201
    olga.post("/credits/add", {**MUCH, "amount": "-800"})
    assert otto.post(f"/credits/adjustments/{id}/approve").status_code == 402
    assert otto.get(f"/credits/adjustments/{id}").json()["state"] == "proposed"
    assert balance(alice)[0] == 910 * NANO


def test_who_may_not_move_credits_approves_nothing(alice: Account, olga: Asking) -> None:
    id, reader = proposed(olga), Asking(User.objects.create_user("rita"), "LLM admin")
    assert reader.get(f"/credits/adjustments/{id}").status_code == 200
    assert reader.post(f"/credits/adjustments/{id}/approve").status_code == 403
    for path in ("/credits/adjustments", f"/credits/adjustments/{id}"):
        assert consumer(alice).get(path).status_code == 403


@pytest.mark.parametrize("verb", ["", "/approve", "/decline"])
def test_what_was_never_proposed_is_not_found(olga: Asking, verb: str) -> None:
    path = f"/credits/adjustments/01890000-0000-7000-8000-000000000000{verb}"
    assert (olga.post(path) if verb else olga.get(path)).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_proposal_approved_by_many_at_once_is_made_once(settings: Settings) -> None:
    alice = wallets.wallet_of(User.objects.create_user("alice"))
    olga, others = operator("olga"), [operator(f"o{n}") for n in range(4)]
    id = proposed(olga)

    def approve(by: Asking) -> int:
        return int(by.post(f"/credits/adjustments/{id}/approve").status_code)

    codes = in_threads([lambda by=by: approve(by) for by in others * 2])  # type: ignore[misc]  # mypy can't see into it
    assert sorted(codes) == [200] + [409] * 7
    assert balance(alice)[0] == 1001 * NANO
    assert Entry.objects.filter(account=alice).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_at_once_don_t_pass_the_limit_together() -> None:
    alice = wallets.wallet_of(User.objects.create_user("alice"))
    olga = operator("olga")

    def add() -> int:
        return int(olga.post("/credits/add", {**MUCH, "amount": "600"}).status_code)

    assert sorted(in_threads([add] * 4)) == [201, 202, 202, 202]
    assert balance(alice)[0] == 600 * NANO


def test_the_row_of_an_adjustment_is_made_with_its_journal_or_not_at_all(
    alice: Account, olga: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError("the ledger is away")

    monkeypatch.setattr(grants, "adjust", broken)
    with pytest.raises(RuntimeError):
        olga.post("/credits/add", {**MUCH, "amount": "5"})
    assert not ManualAdjustment.objects.exists()
