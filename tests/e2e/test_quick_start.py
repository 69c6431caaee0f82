"""The quick start of docs/gateway.md, as somebody would paste it."""

import re
import shlex
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import httpx
import pytest

from tests import ROOT
from tests.e2e.world import World

pytestmark = pytest.mark.once

PAGE = (ROOT / "docs" / "gateway.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE.split("## Quick start")[1].split("\n## ")[0], re.DOTALL)
MODEL = "quick-start"


@pytest.fixture(scope="module")
def world(impatient: World, upstream_server_id: int) -> World:
    impatient.offer(MODEL, [{"server": upstream_server_id, "model": "plain"}])
    impatient.wait_for(MODEL)
    return impatient


def _pasted(world: World, block: str) -> str:
    for written, meant in (
        ("http://localhost:8084", world.live.url),
        ("sk-ops-...", world.key),
        ('"auto"', f'"{MODEL}"'),
    ):
        assert written in block
        block = block.replace(written, meant)
    return block


def test_there_is_one_of_each() -> None:
    assert [language for language, _ in BLOCKS] == ["sh", "python", "python"]


def test_the_curl_line_answers(world: World) -> None:
    command, url, *options = shlex.split(_pasted(world, BLOCKS[0][1]).replace("\\\n", ""))
    assert command == "curl"
    given = list(zip(options[::2], options[1::2], strict=True))
    headers = dict(value.split(": ", 1) for option, value in given if option == "-H")
    (body,) = (value for option, value in given if option == "-d")

    answer = httpx.post(url, content=body, headers=headers, timeout=30)

    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"]


@pytest.mark.parametrize("number", [1, 2])
def test_the_python_lines_print_answers(world: World, number: int) -> None:
    said = StringIO()
    names: dict[str, Any] = {}
    with redirect_stdout(said):
        exec(compile(_pasted(world, BLOCKS[number][1]), "docs/gateway.md", "exec"), names)
    # A program that ends leaves that to the interpreter; here its connections would outlive it.
    names["client"].close()

    assert said.getvalue().count("You asked: Hello!") == (2 if number == 1 else 1)
    assert ("credits: 0." in said.getvalue()) == (number == 1)
