"""A running installation full of canaries, and everything that it leaves behind or shows."""

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import redis
from cryptography.fernet import Fernet

from tests import ROOT
from tests.e2e.world import World
from tests.live import LiveServer
from tests.signin.browser import ENROL, App

ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "tests.secrets.loud_settings",
    "LOG_LEVEL": "DEBUG",
    "LITELLM_LOG": "DEBUG",
    "UPSTREAM_IDLE_TIMEOUT_S": "0.7",
    "BREAKER_FAILURES": "1000000",
    "SWEEP_INTERVAL_S": "1",
}


class Installation:
    """`canaries` by name; `planted` is no secret, and has to be found.

    `shown` collects every answer that anybody got, but for the one that shows a new key.
    """

    def __init__(self) -> None:
        self.canaries = {
            "secret key": secrets.token_urlsafe(50),
            "first ring key": Fernet.generate_key().decode(),
            "second ring key": Fernet.generate_key().decode(),
            "server key": f"sk-{secrets.token_urlsafe(30)}",
            "plain server key": secrets.token_hex(20),
            "provider key": f"gsk_{secrets.token_urlsafe(30)}",
            "refused key": secrets.token_urlsafe(30),
            "wrong password": secrets.token_urlsafe(18),
            "typed password": secrets.token_urlsafe(18),
            "database password": secrets.token_urlsafe(18),
            "redis password": secrets.token_urlsafe(18),
            "unknown virtual key": f"sk-ops-{secrets.token_hex(5)}_{secrets.token_urlsafe(32)}",
        }
        ring = f"{self.canaries['first ring key']},{self.canaries['second ring key']}"
        environment = {**ENVIRONMENT, "SECRET_KEY": self.canaries["secret key"], "BYOK_ENCRYPTION_KEY": ring}
        self.planted = secrets.token_hex(16)
        self.shown: list[bytes] = []
        self.live = LiveServer(workers=1, environment=environment, is_empty=True)
        self._put_passwords_into_addresses()

    def __enter__(self) -> "Installation":
        self.live.__enter__()
        code = "from opscenter import bootstrap; print(bootstrap.ensure_admin())"
        self.canaries["one-time password"] = self.live.manage("shell", "-c", code).strip().splitlines()[-1]
        self.world = World(self.live)
        self.live.start_worker()
        # What stands before the underscore is the public id, by which a key is told from others.
        self.canaries["virtual key"] = self.world.key.partition("_")[2]
        self.canaries["access token"] = self.world.operator["Authorization"].partition("_")[2]
        self.canaries["password"] = self.live.people.password
        self.browser = httpx.Client(base_url=self.live.url, timeout=60)
        return self

    def __exit__(self, *trace: Any) -> None:
        self.browser.close()
        self.world.close()
        self.live.destroy()
        if url := os.environ["REDIS_URL"]:
            with redis.Redis.from_url(url) as client:
                client.acl_deluser(self._redis_user)

    def _put_passwords_into_addresses(self) -> None:
        """The tests' PostgreSQL takes any password, their Redis gets a user with this one."""
        environment, canaries = self.live.environment, self.canaries
        if self.live.database_url.startswith("postgres"):
            environment["DATABASE_URL"] = _signed_in(
                self.live.database_url, urlsplit(self.live.database_url).username or "", canaries["database password"]
            )
        if url := environment["REDIS_URL"]:
            with redis.Redis.from_url(url) as client:
                client.execute_command(
                    *("ACL", "SETUSER", self._redis_user, "on", f">{canaries['redis password']}", "~*", "&*", "+@all")
                )
            environment["REDIS_URL"] = _signed_in(url, self._redis_user, canaries["redis password"])

    @property
    def _redis_user(self) -> str:
        return f"of-{self.live.data_dir.name}"

    # --- calls whose answers are kept ---

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """As the operator over REST, unless `headers` say who else."""
        options.setdefault("headers", self.world.operator)
        return self._keep(self.world.http.request(method, path, **options))

    def chat(self, model: str, **body: Any) -> httpx.Response:
        asked = {"model": model, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 50, **body}
        return self.call("POST", "/v1/chat/completions", json=asked, headers=self.world.bearer())

    def sign_in(self) -> None:
        """To the admin, as a browser does; its session cookie is a canary."""
        entered = self.page(
            "POST",
            self.browser.get("/admin/", follow_redirects=True).url.path,
            login="alice",
            password=self.canaries["password"],
        )
        assert entered.status_code == 302, entered.text[-2000:]
        self.canaries["session cookie"] = self.browser.cookies["sessionid"]

    def enrol(self) -> App:
        """Give the operator a second factor, which ends their token. Its secrets are canaries from then on."""
        self.page("POST", "/accounts/reauthenticate/", password=self.canaries["password"])
        page = self.browser.get(ENROL)
        found = re.search(r'id="totp-secret">(\w+)<', page.text)
        assert found, page.text
        app = App(found[1])
        assert self._post(ENROL, code=app.code()).status_code == 302
        self.canaries["second factor"], self.canaries["seed of recovery codes"] = self.live.manage(
            "shell", "-c", _OPENED
        ).split()[-2:]
        assert self.canaries["second factor"] == app.secret
        return app

    def page(self, method: str, path: str, **fields: Any) -> httpx.Response:
        if method == "GET":
            return self._keep(self.browser.get(path))
        # The token that a form carries is the very secret of its cookie: it belongs into the page.
        if "csrftoken" not in self.browser.cookies:
            self.browser.get(path)
        return self._post(path, **fields)

    def command(self, *arguments: str, **environment: str) -> None:
        """One that fails, and what it says of it."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**self.live.environment, **environment},
            capture_output=True,
            check=False,
        )
        assert done.returncode != 0, arguments
        self.shown.append(done.stdout + done.stderr)

    def _post(self, path: str, **fields: Any) -> httpx.Response:
        token = self.browser.cookies["csrftoken"]
        headers = {"X-CSRFToken": token, "Referer": f"{self.live.url}{path}"}
        return self._keep(self.browser.post(path, data=fields, headers=headers))

    def _keep(self, response: httpx.Response) -> httpx.Response:
        # Whoever signs in is given the cookie; nobody else is.
        headers = [(name, value) for name, value in response.headers.items() if name != "set-cookie"]
        self.shown.append(json.dumps([response.status_code, headers]).encode() + response.content)
        return response

    # --- sinks ---

    def sinks(self) -> Iterator[tuple[str, bytes]]:
        yield "answers", b"\n".join(self.shown)
        yield from self._files()
        yield "database", self._dump()
        if url := self.live.environment["REDIS_URL"]:
            yield "redis", _redis_dump(url)

    def _files(self) -> Iterator[tuple[str, bytes]]:
        """The log, database with its WAL, the broker's messages, beat's schedule: whatever the installation wrote."""
        for path in sorted(self.live.data_dir.rglob("*")):
            if path.is_file():
                yield str(path.relative_to(self.live.data_dir)), path.read_bytes()

    def _dump(self) -> bytes:
        """Every row of every table as text."""
        tables = [name for (name,) in self.live.query(self._tables())]
        assert "core_secrets" in tables
        if not self.live.database_url.startswith("postgres"):
            return b"\n".join(repr(self.live.query(f"SELECT * FROM {name}")).encode() for name in tables)
        dump = bytearray()
        with psycopg.connect(self.live.database_url) as connection, connection.cursor() as cursor:
            for name in tables:
                assert re.fullmatch(r"[a-z0-9_]+", name)
                with cursor.copy(f"COPY (SELECT * FROM {name}) TO STDOUT".encode()) as copy:
                    for part in copy:
                        dump += part
        return bytes(dump)

    def _tables(self) -> str:
        if self.live.database_url.startswith("postgres"):
            return "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        return "SELECT name FROM sqlite_master WHERE type = 'table'"


_OPENED = """
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import decrypt
from opscenter.core.signin import second_factor
for row in Authenticator.objects.order_by("-type"):
    with second_factor.belonging_to(row.user):
        print(decrypt(row.data.get("secret") or row.data["seed"]))
"""


def _signed_in(url: str, name: str, password: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{name}:{password}@{parts.hostname}:{parts.port}").geturl()


def _redis_dump(url: str) -> bytes:
    with redis.Redis.from_url(url) as client:
        return b"\n".join(key + b" " + (client.dump(key) or b"") for key in client.scan_iter())
