"""Who may read the ledger, and who may move money by hand."""

from opscenter.core.api import Permissions

READS_MONEY = ("credits.view_account", Permissions.CONFIGURE)
MOVES_MONEY = ("credits.change_account",)
"""Not part of the LLM admin group: whoever hands out credits was trusted with just that."""
