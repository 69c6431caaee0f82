"""Answers as they come over a raw socket."""

import socket
from http.client import HTTPResponse


def status_of_next(client: socket.socket) -> int:
    """Reads one whole answer, in however many pieces it comes, and leaves the connection as it is."""
    response = HTTPResponse(client)
    response.begin()
    response.read()
    return response.status
