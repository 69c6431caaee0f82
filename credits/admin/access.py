"""Who may look at the pages of the ledger."""

from credits.permissions import MOVES_MONEY
from opscenter.core.admin_base.access import Access
from opscenter.core.api import Permissions

__all__ = ["MOVES_MONEY", "readers"]


def readers(model: str) -> Access:
    """For a read-only page of `model`."""
    return {"view": (f"credits.view_{model}", Permissions.CONFIGURE)}
