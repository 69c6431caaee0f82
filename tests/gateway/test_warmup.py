"""What a web process pays for when it starts."""

import os
import subprocess
import sys

import pytest

from gateway.transports.litellm import engine
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


@pytest.mark.once
def test_what_litellm_reads_and_never_looks_at_is_let_go_of() -> None:
    """The parsed vocabulary of a tokenizer; the text, of which its tokenizer is made, stays."""
    utils = engine.load().utils
    assert not hasattr(utils, "json_data")
    assert utils.claude_json_str.startswith('{"version"')
