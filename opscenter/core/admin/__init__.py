"""Admin pages of people, alerts and the audit log."""

from opscenter.core.admin import alerts, audit, groups, lockouts, users  # noqa: F401 - each registers its pages
