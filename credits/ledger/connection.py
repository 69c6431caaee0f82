"""The connection on which a thread commits moves: impatient, and reading by keys alone."""

from opscenter.core.db import bind_on_the_server, own_connection

# Give up on a lock or a statement: all wait for one batch.
_LIMITS = {"lock_timeout": 1500, "statement_timeout": 5000}
# Every statement is about a few rows by their keys. Of a JSON parameter PostgreSQL expects 100, and would rather read
# tables of thousands whole: where it was measured, that doubled the time of a commit within 20,000 requests.
_BY_KEY = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}


def ledger_connection() -> None:
    """Give the calling thread a connection of its own for the book; the thread closes it."""
    own = own_connection()
    bind_on_the_server(own)
    if own.vendor == "postgresql":
        options = own.settings_dict["OPTIONS"]
        settings = " ".join(f"-c {name}={value}" for name, value in {**_LIMITS, **_BY_KEY}.items())
        options["options"] = f"{options.get('options', '')} {settings}".strip()
