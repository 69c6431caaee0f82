"""The test upstream: a real model server that misbehaves as it is told. The vocabulary is in misbehaviour.py."""

from tests.upstream.calls import Call, CallLog
from tests.upstream.running import Upstream, UpstreamProcess, refusing_url, running_upstream, upstream_process

__all__ = [
    "Call",
    "CallLog",
    "Upstream",
    "UpstreamProcess",
    "refusing_url",
    "running_upstream",
    "upstream_process",
]
