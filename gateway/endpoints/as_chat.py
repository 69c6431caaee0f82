"""The way to every target that is asked for chat, whatever its client asked for: over its own transport."""

from collections.abc import Callable
from dataclasses import replace

from gateway.ask import Ask
from gateway.endpoints.base import Speaker
from gateway.endpoints.chat import ChatWay
from gateway.exchange import Exchange
from gateway.transports.base import Body
from llmconfig.target import Target


class AsChat(ChatWay):
    """`to_chat` says a request as a chat, or raises InvalidRequest (400); `answered_by` says the answer in the client's
    words.
    """

    def __init__(self, to_chat: Callable[[Body], Body], answered_by: Callable[[Exchange], Speaker]) -> None:
        self._to_chat = to_chat
        self._answered_by = answered_by

    def body(self, ask: Ask, target: Target, *, output_tokens: int) -> Body:
        return super().body(replace(ask, body=self._to_chat(ask.body)), target, output_tokens=output_tokens)

    def speaker(self, exchange: Exchange) -> Speaker:
        return self._answered_by(exchange)
