"""The head of an answer waits for its body, and for nothing else."""

import asyncio
from typing import cast

from opscenter.answer_writer import AnswerWriter

HEAD, BODY = b"HTTP/1.1 200 OK\r\n\r\n", b"{}"


class Written:
    """A transport that tells what it was given."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        assert not self.is_closed
        self.parts.append(data)

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True


def writer() -> tuple[Written, AnswerWriter]:
    written = Written()
    return written, AnswerWriter(cast(asyncio.Transport, written), asyncio.get_running_loop())


async def test_head_and_body_are_one_write_and_what_follows_is_its_own() -> None:
    written, answer = writer()
    answer.write(HEAD)
    answer.write(BODY)
    assert written.parts == [HEAD + BODY]
    answer.write(BODY)
    await asyncio.sleep(0)
    assert written.parts == [HEAD + BODY, BODY]


async def test_a_head_whose_body_is_not_there_yet_is_sent_in_the_same_turn_of_the_loop() -> None:
    written, answer = writer()
    answer.write(HEAD)
    await asyncio.sleep(0)
    assert written.parts == [HEAD]
    answer.write(BODY)
    assert written.parts == [HEAD, BODY]


async def test_a_head_alone_is_written_before_the_end_and_not_after_it() -> None:
    written, answer = writer()
    answer.write(HEAD)
    answer.close()
    assert (written.parts, written.is_closed) == ([HEAD], True)

    written, answer = writer()
    answer.write(HEAD)
    written.close()
    await asyncio.sleep(0)
    assert written.parts == []
