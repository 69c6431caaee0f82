"""Alice and Bob have wallets; `give` fills them."""

from collections.abc import Callable, Iterator

import pytest

from credits import checker
from credits.amounts import to_nano
from credits.models import Account
from credits.services import grants, wallets
from credits.writer import LedgerWriter
from opscenter.core.ids import uuid7
from opscenter.core.models import User

Give = Callable[[Account, str], Account]


@pytest.fixture
def alice(db: None) -> Account:
    return wallets.wallet_of(User.objects.create_user("alice"))


@pytest.fixture
def bob(db: None) -> Account:
    return wallets.wallet_of(User.objects.create_user("bob"))


@pytest.fixture
def give() -> Give:
    def give(account: Account, credits: str) -> Account:
        key = f"manual:{uuid7()}"
        grants.grant(account=account, amount_nano=to_nano(credits), reason="for the test", key=key)
        account.refresh_from_db()
        return account

    return give


@pytest.fixture
def sound(db: None) -> Iterator[None]:
    """The checker finds nothing once the test is over."""
    yield
    assert checker.check() == []


@pytest.fixture
def writer() -> Iterator[LedgerWriter]:
    writer = LedgerWriter(patience_s=0.3)
    writer.start()
    yield writer
    writer.stop()


@pytest.fixture
def funded(alice: Account, give: Give) -> Account:
    return give(alice, "0.000001")
