"""What of a wallet has expired, and the next batch that locks it will move out."""

from credits.ledger import sql
from credits.ledger.postings import Postings
from credits.ledger.wallets import Wallet, lot_of
from credits.models.account import Account


def due(account: Account) -> int:
    """Nanocredits, of `account` as it was just read; what open holds may still use isn't due. Locks nothing."""
    wallet = Wallet(
        id=account.pk,
        user_id=account.user_id or 0,
        posted=account.posted,
        held=account.held,
        entries_count=account.entries_count,
        frozen=account.is_frozen,
        expiring=account.expiring,
    )
    wallet.lots = [lot_of(*row) for _, *row in sql.fetch(sql.READ_LOTS, [account.pk])]
    return Postings().expire(wallet)
