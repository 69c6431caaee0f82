"""Every route answers with a policy, by a walk over all of them; production's settings pass Django's own check."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client

from opscenter import secrets_file
from opscenter.core.models import User
from tests.access.walk import patterns

pytestmark = [pytest.mark.django_db, pytest.mark.once]

ROOT = Path(__file__).parent.parent.parent
ALWAYS = {"default-src": "'none'", "object-src": "'none'", "base-uri": "'none'", "frame-ancestors": "'none'"}


def policy_of(client: Client, path: str) -> dict[str, str]:
    answer = client.get(path)
    assert answer.headers["Permissions-Policy"].startswith("camera=()")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    parts = answer.headers["Content-Security-Policy"].split("; ")
    return dict(part.split(" ", 1) for part in parts)


def paths() -> list[str]:
    """One of every route: a parameter is 1, a regular expression is left out."""
    plain = {"/" + re.sub(r"<[^>]+>", "1", route) for route, _ in patterns() if "(?P" not in route}
    return sorted(path for path in plain if not path.startswith("/health/"))


def test_every_route_has_a_policy_of_its_kind(client: Client) -> None:
    client.force_login(User.objects.create_superuser("root"))
    seen = paths()
    assert len(seen) > 60
    for path in seen:
        policy = policy_of(client, path)
        assert ALWAYS.items() <= policy.items(), path
        unsafe = "unsafe" in " ".join(policy.values())
        assert unsafe == path.startswith("/admin/"), path
        if path.startswith(("/api/", "/v1/")) and path != "/api/docs":
            assert set(policy) == {*ALWAYS, "form-action"}, path


@pytest.mark.parametrize("path", ["/accounts/login/", "/api/docs", "/accounts/nowhere"])
def test_pages_bring_no_script_or_style_of_their_own(client: Client, path: str) -> None:
    page = client.get(path).content.decode()
    assert not re.search(r"<style|style=|<script(?![^>]*src=)|\son\w+=", page)


def test_a_static_file_and_an_error_have_one_too(client: Client) -> None:
    for path in ("/static/opscenter/signin.css", "/nowhere", "/api/nowhere"):
        assert ALWAYS.items() <= policy_of(client, path).items()


def test_production_passes_the_deployment_check(tmp_path: Path) -> None:
    secrets_file.ensure(tmp_path)
    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "DATA_DIR": str(tmp_path),
            "PUBLIC_URL": "https://ai.example.org",
            "FORWARDED_ALLOW_IPS": "10.0.0.0/8",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout
