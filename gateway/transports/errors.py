"""What can go wrong with an upstream. Every message is safe for clients: no host, URL, key or stack is in it.

UpstreamError
  + UpstreamUnreachable    no connection, or it was refused by the outbound guard
  + UpstreamTimeout        nothing arrived in time
  + UpstreamRateLimited    429; `retry_after` in seconds where the upstream said so
  + UpstreamServerError    5xx, or an error event in a stream
  + UpstreamRefusedKey     401, 402, 403, or what else says that the key is wrong or its account empty
  + UpstreamModelMissing   404
  + UpstreamBadRequest     400, 409, 413, 422 ...: the caller's request is at fault, so no other upstream is tried
  + UpstreamBroken         an answer that is no answer: garbage, not UTF-8, redirects, larger than allowed
  + UpstreamCut            the answer ended before it was complete: reset, bare end, silence in mid-stream
      + UpstreamEnded      this gateway ended the answer: what had come of it is charged
          + UpstreamUnread     its time was over while nobody wanted to read on
          + UpstreamOverdue    its time was over
          + UpstreamOverlong   it went on beyond what was asked for
"""

from typing import ClassVar


class UpstreamError(Exception):
    """`status` is the HTTP status that the upstream answered with, if it answered. What `may_pass` does so by itself,
    and soon: the same upstream may be asked again.
    """

    fails_over: ClassVar[bool] = True
    may_pass: ClassVar[bool] = False
    default_message: ClassVar[str] = "The provider failed."

    def __init__(
        self, message: str | None = None, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        self.message = message or self.default_message
        self.status = status
        self.retry_after = retry_after
        super().__init__(self.message)


class UpstreamUnreachable(UpstreamError):
    may_pass = True
    default_message = "The provider can't be reached."


class UpstreamTimeout(UpstreamError):
    default_message = "The provider did not answer in time."


class UpstreamRateLimited(UpstreamError):
    may_pass = True
    default_message = "The provider is limiting requests at the moment."


class UpstreamServerError(UpstreamError):
    may_pass = True
    default_message = "The provider reported an internal error."


class UpstreamRefusedKey(UpstreamError):
    default_message = "The provider refused the credentials configured for it."


class UpstreamModelMissing(UpstreamError):
    default_message = "The provider does not know the model."


class UpstreamBadRequest(UpstreamError):
    fails_over = False
    default_message = "The provider rejected the request as invalid."


class UpstreamBroken(UpstreamError):
    default_message = "The provider sent an answer that can't be read."


class UpstreamCut(UpstreamError):
    default_message = "The provider's answer ended before it was complete."


class UpstreamEnded(UpstreamCut):
    """No fault of the upstream's, and no reason to give away what it has delivered."""


class UpstreamUnread(UpstreamEnded):
    default_message = "The answer was not read in time."


class UpstreamOverdue(UpstreamEnded):
    default_message = "The answer took longer than this gateway waits for one."


class UpstreamOverlong(UpstreamEnded):
    default_message = "The answer is longer than what was asked for."
