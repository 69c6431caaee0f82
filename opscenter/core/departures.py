"""The word by which the server tells the application that a client has gone away."""

WHEN_LEFT = "opscenter.when_left"
"""ASGI extension of opscenter/connection.py: a function, to which is given what has to be called if the client goes
away before it has its whole answer."""
