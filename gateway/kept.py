"""What providers keep under an operator's key is out of reach: one consumer could name there what is another's."""

from gateway.errors import InvalidRequest


def points_at_kept(name: str, remedy: str) -> InvalidRequest:
    """The refusal of the field `name`; `remedy` is a sentence that says what to send instead."""
    return InvalidRequest(
        f"`{name}` points at what a provider keeps, and nothing is kept there for you. {remedy}",
        code="stored_content",
        param=name,
    )
