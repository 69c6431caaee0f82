"""Lists and forms call things what people call them."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.admin.templatetags.admin_list import result_headers
from django.db.models import Model

from tests.admin.site import Site, World, text
from tests.admin.test_pages import ADDABLE, MODELS, name_of

pytestmark = pytest.mark.once

MISWRITTEN = re.compile(
    r"\b(url|api|ids?|ip|rpm|tpm|usd|http|llm|Url|Api|Ids?|Ip|Rpm|Tpm|Usd|Http|Llm|nano|ops center)\b"
)
UNIT_AS_A_WORD = re.compile(r" (ms|s)$")


def labels(context: Any) -> Iterator[str]:
    """Of a form, with the rows edited in it."""
    fieldsets = [*context["adminform"]]
    fieldsets += [fieldset for rows in context["inline_admin_formsets"] for row in rows for fieldset in row]
    for fieldset in fieldsets:
        for line in fieldset:
            for field in line:
                yield re.sub(r"<[^>]*>", "", str(field.label_tag())).strip().rstrip(":*").strip()


def shown_of(root: Site, model: type[Model]) -> set[str]:
    """What heads the columns and the fields of its pages."""
    name, row = name_of(model), model._default_manager.all()[0]
    listed: Any = root.get(f"{name}_changelist")
    pages: list[Any] = [root.get(f"{name}_change", row.pk)]
    pages += [root.get(f"{name}_add")] if name in ADDABLE else []

    headers = [str(header["text"]) for header in result_headers(listed.context["cl"])]
    shown = {header for header in headers if not header.startswith("<input")}
    return shown | {label for page in pages for label in labels(page.context)}


def test_abbreviations_and_units_are_written_as_such(root: Site, world: World) -> None:
    for model in MODELS:
        shown = shown_of(root, model)

        assert len(shown) > 1, model
        assert [label for label in shown if MISWRITTEN.search(label) or UNIT_AS_A_WORD.search(label)] == [], model


def test_the_limits_and_addresses_have_their_names(root: Site, world: World) -> None:
    server = text(root.get("llm_aiserver_change", world.server.pk))
    deployment = text(root.get("llm_deployment_change", world.model.deployments.all()[0].pk))

    assert "Base URL" in server
    for label in ("RPM", "TPM", "Concurrency", "Timeout (s)"):
        assert label in deployment


def test_no_page_is_headed_by_the_name_of_a_library(root: Site, world: World) -> None:
    page = text(root.get("core_failedsignin_changelist"))

    assert "Failed sign-ins" in page
    assert "Axes" not in page
    assert "Axes" not in text(root.get("index"))
