"""What a web process pays for when it starts."""

import os
import subprocess
import sys

import pytest

from tests import ROOT

LOADED = """
import django, sys
django.setup()
from gateway import warmup
warmup.warm()
print("litellm" in sys.modules)
"""


@pytest.mark.parametrize(("preload", "loaded"), [("1", "True"), ("0", "False")])
def test_litellm_is_loaded_at_the_start_unless_told_not_to(preload: str, loaded: str) -> None:
    environment = {**os.environ, "PRELOAD_LITELLM": preload}
    done = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == loaded
