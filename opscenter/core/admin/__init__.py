"""Admin pages of people and the audit log."""

from opscenter.core.admin import audit, groups, lockouts, users  # noqa: F401 - each registers its pages
