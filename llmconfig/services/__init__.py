"""Every write of this app, each one transaction, checked, audited and announced by core.changes."""
