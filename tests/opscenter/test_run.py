"""What the terminal shows when everything is up."""

import json
import shlex
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from opscenter.bootstrap import Start
from opscenter.management.commands.run import curl, programs, readiness, welcome

URL = "http://localhost:8084"
FIRST = Start(admin_password="correct-horse", key="sk-ops-0123_abc", demo_port=8085)
LATER = Start(admin_password=None, key=None, demo_port=None)


def test_the_first_start_shows_address_password_key_and_both_curl_lines() -> None:
    text = "\n".join(welcome(FIRST, url=URL))
    for shown in (f"{URL}/admin/", "correct-horse", "sk-ops-0123_abc", '"stream": true', "no language model"):
        assert shown in text
    assert text.count("curl ") == 2


def test_a_later_start_shows_how_to_make_a_key_and_no_secret() -> None:
    text = "\n".join(welcome(LATER, url=URL))
    assert "create_virtual_key" in text
    for hidden in ("Password", "Bearer", "sk-ops-"):
        assert hidden not in text


def test_the_curl_line_is_one_that_a_shell_understands() -> None:
    words = shlex.split(curl(URL, "sk-ops-0123_abc", stream=True))
    assert words[:3] == ["curl", "-N", f"{URL}/v1/chat/completions"]
    assert "Authorization: Bearer sk-ops-0123_abc" in words
    assert json.loads(words[words.index("-d") + 1])["stream"] is True


def test_the_demo_server_is_a_program_only_where_it_is_wanted() -> None:
    assert [program.name for program in programs("0.0.0.0", 8084, 8085)] == ["web", "worker", "demo server"]
    assert [program.name for program in programs("0.0.0.0", 8084, None)] == ["web", "worker"]


@pytest.fixture
def answering() -> Iterator[tuple[int, list[str]]]:
    """A server that answers 200 to everything, and the Host headers that it saw."""
    hosts: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hosts.append(self.headers["Host"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port, hosts
        server.shutdown()
        thread.join()


def test_readiness_asks_under_a_name_that_is_allowed(answering: tuple[int, list[str]], settings: Any) -> None:
    port, hosts = answering
    settings.ALLOWED_HOSTS = [".example.org"]
    assert readiness("0.0.0.0", port, None)()
    assert hosts == ["example.org"]


def test_nothing_is_ready_before_the_demo_server_listens(answering: tuple[int, list[str]]) -> None:
    port, _ = answering
    assert not readiness("0.0.0.0", port, 1)()
