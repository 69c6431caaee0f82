"""What of a chat's messages is billed by the piece or by what is in it, and not by the length of the request."""

from typing import Any

from gateway.kept import points_at_kept
from gateway.transports.base import Body
from gateway.unpriced import is_spelled_out

_OF_ANY_LENGTH = ("file", "input_file", "document", "video_url", "input_video", "video")


class Media:
    """`images` are numbers of pieces, whatever they are, but for `files`, of which and of films nobody knows how long
    they are. `image_bytes` is the length of inlined images, which isn't text.

    Raises InvalidRequest (400) for a file that a provider keeps.
    """

    __slots__ = ("files", "image_bytes", "images")

    def __init__(self, messages: list[Body]) -> None:
        self.images = self.files = self.image_bytes = 0
        for number, message in enumerate(messages):
            content = message.get("content")
            for part in content if isinstance(content, list) else ():
                if isinstance(part, dict) and not is_spelled_out(part):
                    self._note(part, f"messages.{number}.content")

    def _note(self, part: Body, where: str) -> None:
        if part.get("type") in _OF_ANY_LENGTH:
            self.files += 1
            _refuse_kept(part, where)
            return
        self.images += 1
        image = part.get("image_url") if part.get("type") == "image_url" else None
        url = image.get("url") if isinstance(image, dict) else image
        self.image_bytes += len(url) if isinstance(url, str) and url.startswith("data:image/") else 0


def _refuse_kept(part: Body, where: str) -> None:
    holders: list[Any] = [part, part.get("file")]
    if any(isinstance(holder, dict) and holder.get("file_id") for holder in holders):
        raise points_at_kept(f"{where}.file_id", "Send the content as `file_data`.")
