"""What upstreams send as JSON, in UTF-8, or else broken."""

import json
from typing import Any

from gateway.transports.base import Body
from gateway.transports.errors import UpstreamBroken

_decode = json.JSONDecoder().decode


def decoded(content: bytes) -> Any:
    """Raises UpstreamBroken unless `content` is UTF-8 and JSON."""
    try:
        return _decode(content.decode())
    except (ValueError, RecursionError) as error:
        raise UpstreamBroken from error


def json_object(content: bytes) -> Body:
    """Raises UpstreamBroken unless `content` is UTF-8 and a JSON object."""
    body: Body = decoded(content)
    if type(body) is not dict:
        raise UpstreamBroken
    return body
