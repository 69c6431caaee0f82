"""`python -m tests.llmconfig.proxy.supervisor FOLDER PORT`: starts the LiteLLM proxy on FOLDER's files at each SIGHUP.

As an operator's supervisor does it: the file with the keys becomes the proxy's environment. SIGTERM ends both.
"""

import signal
import subprocess
import sys
from pathlib import Path

from tests import ROOT
from tests.processes import die_with_parent, stop

PROGRAM = ROOT / "var" / "bench" / "litellm-venv" / "bin" / "litellm"
_STARTED = (
    'set -a; . "$1/keys.env"; set +a; '
    'exec "$2" --config "$1/config.yaml" --host 127.0.0.1 --port "$3" --num_workers 1 --telemetry False'
)


def main(folder: str, port: str) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP, signal.SIGTERM})
    print("ready", flush=True)
    proxy: subprocess.Popen[bytes] | None = None
    while signal.sigwait({signal.SIGHUP, signal.SIGTERM}) == signal.SIGHUP:
        if proxy:
            stop(proxy, signal.SIGTERM)
        proxy = _start(folder, port)
    if proxy:
        stop(proxy, signal.SIGTERM)


def _start(folder: str, port: str) -> "subprocess.Popen[bytes]":
    with (Path(folder) / "log").open("ab") as log:
        return subprocess.Popen(
            ["/bin/sh", "-c", _STARTED, "sh", folder, str(PROGRAM), port],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=_undisturbed,  # noqa: PLW1509 - see die_with_parent
        )


def _undisturbed() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP, signal.SIGTERM})
    die_with_parent(signal.SIGTERM)()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
