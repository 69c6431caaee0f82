"""The personas of the directory above."""

from tests.llmconfig.conftest import alice, bob, charlie  # noqa: F401 - fixtures
