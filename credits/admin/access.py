"""Who may look at the ledger, and who may move money by hand."""

from opscenter.core.admin_base.access import Access
from opscenter.core.api import Permissions

MOVES_MONEY = ("credits.change_account",)
"""Not part of the LLM admin group: whoever hands out credits was trusted with just that."""


def readers(model: str) -> Access:
    """For a read-only page of `model`."""
    return {"view": (f"credits.view_{model}", Permissions.CONFIGURE)}
