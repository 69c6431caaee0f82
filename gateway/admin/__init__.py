"""Admin pages of keys and of what was done with them."""

from gateway.admin import attempts, requests, usage, virtual_keys  # noqa: F401 - each registers its pages
