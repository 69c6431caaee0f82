"""What is loaded at the start is never looked through for garbage; what comes later is."""

import os

from tests.furnished import manage

LOADED = "import gc; print(gc.isenabled(), gc.get_freeze_count() > 50_000)"


def test_a_command_begins_with_everything_loaded_out_of_the_collectors_sight() -> None:
    assert manage(os.environ, "shell", "-v0", "-c", LOADED) == "True True\n"
