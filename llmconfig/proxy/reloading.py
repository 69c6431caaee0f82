"""The operator's command that makes the proxy read its files anew: from the settings alone, and without a shell."""

import logging
import shlex
import subprocess
import tempfile
from typing import IO

from django.conf import settings

logger = logging.getLogger(__name__)
_SHOWN_BYTES = 2000


def reload() -> str:
    """Run LITELLM_RELOAD_COMMAND; "" if it went well or there is none, else what is wrong."""
    command = shlex.split(settings.LITELLM_RELOAD_COMMAND)
    if not command:
        return ""
    # A pipe would be waited for as long as whatever the command leaves running in the background.
    with tempfile.TemporaryFile() as output:
        try:
            return _run(command, output)
        except subprocess.TimeoutExpired:
            return f"The reload command took longer than {settings.LITELLM_RELOAD_TIMEOUT_S:g} s."
        except OSError as error:
            return f"The reload command can't be run: {error.strerror}."


def _run(command: list[str], output: IO[bytes]) -> str:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        timeout=settings.LITELLM_RELOAD_TIMEOUT_S,
        check=False,
    )
    if done.returncode == 0:
        return ""
    output.seek(max(0, output.tell() - _SHOWN_BYTES))
    logger.warning("the reload command said: %s", output.read().decode(errors="replace"))
    return f"The reload command ended with {done.returncode}; the worker's log holds what it said."
