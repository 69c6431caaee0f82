"""Admin pages of keys, of what was done with them, and of workflows."""

from gateway.admin import attempts, requests, usage, virtual_keys, workflows  # noqa: F401 - each registers its pages
