"""`manage.py reconcile_provider`: a provider's export beside what was recorded here."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from gateway import rows
from gateway.rows import AttemptValues
from llmconfig.models import ProviderKey
from opscenter.core.ids import uuid7
from tests.gateway.people import person

pytestmark = [pytest.mark.django_db, pytest.mark.once]

Reconcile = Callable[..., tuple[int, list[str]]]

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
OPENAI = "start_time,end_time,start_time_iso,end_time_iso,model,num_model_requests,input_tokens,output_tokens"
ANTHROPIC = (
    "usage_date_utc,model_version,api_key,usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,"
    "usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens,web_search_count"
)
OPENROUTER = "generation_id,created_at,cost_total,tokens_prompt,tokens_completion,model_permaslug,provider_name"


@pytest.fixture
def reconcile(tmp_path: Path) -> Reconcile:
    """Takes the file's lines and the command's options; returns the exit code and what it said."""

    def run(lines: list[str], *options: str) -> tuple[int, list[str]]:
        file = tmp_path / "export.csv"
        file.write_text("\n".join(lines), encoding="utf-8-sig")
        out = StringIO()
        try:
            call_command("reconcile_provider", str(file), *options, stdout=out)
        except SystemExit as end:
            return int(end.code or 0), out.getvalue().splitlines()
        return 0, out.getvalue().splitlines()

    return run


def used(model: str = "gpt-4o", *, at: datetime = NOON, **fields: Any) -> None:
    """An attempt that a provider answered: 1000 tokens in, 200 out, $0.0045."""
    values: dict[str, Any] = {
        "provider": "openai",
        "outcome": "answered",
        "usage_source": "provider",
        "prompt_tokens": 1000,
        "completion_tokens": 200,
        "cost_usd": Decimal("0.0045"),
    }
    id = uuid7()
    attempt = AttemptValues(
        id=id, created_at=at, request_id=id, n=1, target="d:1", model=model, transport="relay", **{**values, **fields}
    )
    rows.insert_attempts([attempt])


def openai(day: str, model: str, requests: int, input: int, output: int) -> str:
    return f"1,2,{day}T00:00:00+00:00,x,{model},{requests},{input},{output}"


def test_counts_that_agree_are_an_exit_of_0(reconcile: Reconcile) -> None:
    used()
    used()

    code, said = reconcile([OPENAI, openai("2026-11-02", "gpt-4o", 2, 2000, 400)])

    assert code == 0
    assert said == [
        "2026-11-02 to 2026-11-02 (UTC): day = start_time_iso, model = model, input_tokens = input_tokens, "
        "output_tokens = output_tokens, requests = num_model_requests",
        "total input_tokens: provider 2000, ours 2000, difference 0",
        "total output_tokens: provider 400, ours 400, difference 0",
        "total requests: provider 2, ours 2, difference 0",
        "0 of 1 days of a model differ by more than 1 %",
    ]


def test_what_differs_is_a_table_and_an_exit_of_1(reconcile: Reconcile) -> None:
    used()
    used("o3", at=NOON.replace(day=3))

    code, said = reconcile(
        [OPENAI, openai("2026-11-02", "gpt-4o", 2, 2000, 200), openai("2026-11-04", "gpt-4o", 1, 7, 8)]
    )

    assert code == 1
    table = [line.split() for line in said if line.startswith("2026-11-0") and "start_time" not in line]
    assert table == [
        ["2026-11-02", "gpt-4o", "input_tokens", "2000", "1000", "-1000", "differs"],
        ["2026-11-02", "gpt-4o", "requests", "2", "1", "-1", "differs"],
        ["2026-11-03", "o3", "input_tokens", "0", "1000", "+1000", "only", "here"],
        ["2026-11-03", "o3", "output_tokens", "0", "200", "+200", "only", "here"],
        ["2026-11-03", "o3", "requests", "0", "1", "+1", "only", "here"],
        ["2026-11-04", "gpt-4o", "input_tokens", "7", "0", "-7", "only", "in", "the", "file"],
        ["2026-11-04", "gpt-4o", "output_tokens", "8", "0", "-8", "only", "in", "the", "file"],
        ["2026-11-04", "gpt-4o", "requests", "1", "0", "-1", "only", "in", "the", "file"],
    ]
    assert said[-1] == "3 of 3 days of a model differ by more than 1 %"


def test_what_is_tolerated_does_not_differ(reconcile: Reconcile) -> None:
    used()
    lines = [OPENAI, openai("2026-11-02", "gpt-4o", 1, 1030, 200)]

    assert reconcile(lines)[0] == 1
    assert reconcile(lines, "--tolerance", "3")[0] == 0
    shown = reconcile(lines, "--tolerance", "3", "--all")[1]
    assert [line.split()[2:] for line in shown if "gpt-4o" in line] == [
        ["input_tokens", "1030", "1000", "-30"],
        ["output_tokens", "200", "200", "0"],
        ["requests", "1", "1", "0"],
    ]


def test_a_provider_that_counts_input_in_parts_is_added_up(reconcile: Reconcile) -> None:
    used("claude-sonnet-4", provider="anthropic")

    code, said = reconcile(
        [
            ANTHROPIC,
            "2026-11-02,claude-sonnet-4-20250514,main,600,100,50,250,150,0",
            "2026-11-02,claude-sonnet-4-20250514,other,0,0,0,0,50,0",
        ],
        "--provider",
        "anthropic",
    )

    assert (code, said[1]) == (0, "total input_tokens: provider 1000, ours 1000, difference 0")


def test_a_file_with_a_row_per_generation_is_summed_up_by_day(reconcile: Reconcile) -> None:
    for _ in range(2):
        used("openai/gpt-4o", provider="openrouter", at=datetime(2026, 11, 2, 23, 30, tzinfo=UTC))
    late = "2026-11-02 23:31:02.125"
    lines = [OPENROUTER, *(f'gen-{n},{late},0.0045,"1,000",200,openai/gpt-4o-2024-08-06,OpenAI' for n in range(2))]

    code, said = reconcile(lines)

    assert code == 0
    assert said[-3:-1] == [
        "total requests: provider 2, ours 2, difference 0",
        "total cost_usd: provider 0.009, ours 0.009, difference 0",
    ]
    assert reconcile(lines, "--timezone", "Europe/Berlin")[1][0].startswith("2026-11-03 to 2026-11-03 (Europe/Berlin)")


def test_days_are_those_of_the_zone(reconcile: Reconcile) -> None:
    used(at=datetime(2026, 11, 2, 7, 30, tzinfo=UTC))

    lines = ["date,model,requests", "2026-11-01,gpt-4o,1"]

    assert reconcile(lines, "--timezone", "America/Los_Angeles")[0] == 0
    assert reconcile(lines)[0] == 1


def test_moments_as_unix_time_are_understood(reconcile: Reconcile) -> None:
    used()

    assert reconcile(["start_time,model,input_tokens", f"{int(NOON.timestamp())},gpt-4o,1000"])[0] == 0


def test_cents_of_rounding_in_the_cost_do_not_differ(reconcile: Reconcile) -> None:
    used()

    assert reconcile(["date;model;cost (USD)", "2026-11-02;gpt-4o;$0.01"])[0] == 0
    assert reconcile(["date;model;cost (USD)", "2026-11-02;gpt-4o;$0.02"])[0] == 1


def test_only_what_the_platform_is_billed_for_counts(reconcile: Reconcile) -> None:
    own = ProviderKey.objects.create(provider="openai", key_name="own", owner=person("bob"))
    platforms = ProviderKey.objects.create(provider="openai", key_name="main")
    used(provider_key_id=platforms.pk)
    used(provider_key_id=own.pk)
    used(usage_source="none", prompt_tokens=0, completion_tokens=0, cost_usd=Decimal(0))
    used(provider="local")

    assert reconcile([OPENAI, openai("2026-11-02", "gpt-4o", 1, 1000, 200)], "--provider", "openai")[0] == 0


def test_models_are_told_what_we_call_them(reconcile: Reconcile) -> None:
    used("my-deployment")
    lines = [OPENAI, openai("2026-11-02", "gpt-4o", 1, 1000, 200)]

    assert reconcile(lines)[0] == 1
    assert reconcile(lines, "--model", "gpt-4o=my-deployment")[0] == 0


def test_columns_of_other_names_are_named(reconcile: Reconcile) -> None:
    used()
    lines = ["Tag\tModell\tA\tB", "2026-11-02\tgpt-4o\t900\t100"]

    assert reconcile(lines, "--columns", "day=Tag,model=Modell,input_tokens=A+B")[0] == 0


def test_days_on_which_nothing_was_used_are_passed_over(reconcile: Reconcile) -> None:
    used()
    lines = [OPENAI, "1,2,2026-11-01T00:00:00+00:00,x,,,,", "", openai("2026-11-02", "gpt-4o", 1, 1000, 200)]

    assert reconcile(lines)[0] == 0


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([], "No column is known to say day and model"),
        (["a,b,c", "1,2,3"], "No column is known to say day and model. The file has: a, b, c."),
        (["date,model", "2026-11-02,x"], "any of input_tokens, output_tokens, requests, cost_usd"),
        (["date,model,requests"], "There is no usage in it."),
        (
            ["date,model,requests", "2026-11-02,x,1", "2026-11-02,x,many"],
            "line 3: 'many' is no number (column requests)",
        ),
        (["date,model,requests", "2026-11-02,x,-1"], "line 2: '-1' is out of range (column requests)"),
        (["date,model,requests", "2026-11-02,x,1e999"], "line 2: '1e999' is out of range"),
        (["date,model,requests", "2026-11-02,x,NaN"], "line 2: 'NaN' is out of range"),
        (["date,model,requests", "11/02/2026,x,1"], "line 2: '11/02/2026' is neither a date (YYYY-MM-DD) nor a moment"),
        (["date,model,requests", "2026-11-02,,1"], "line 2: there is usage, and no model (column model)"),
        (["date,model,requests", "2026-11-02,x"], "line 2: 2 columns, and the header has 3."),
        (["date,model,requests", '2026-11-02,"x,1'], "this is no CSV"),
    ],
)
def test_what_can_not_be_understood_is_refused_with_its_line(reconcile: Reconcile, lines: list[str], says: str) -> None:
    with pytest.raises(CommandError) as refused:
        reconcile(lines)

    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--timezone", "Mars/Base"], "'Mars/Base' is unknown"),
        (["--tolerance", "much"], "'much' is no number of percent"),
        (["--tolerance", "101"], "not between 0 and 100"),
        (["--columns", "day"], "'day' is no NAME=VALUE"),
        (["--columns", "day=Tag"], "There is no column 'Tag'. The file has: date, model, requests."),
        (["--columns", "colour=date"], "--columns knows day, model, input_tokens"),
        (["--model", "x"], "'x' is no NAME=VALUE"),
    ],
)
def test_options_that_make_no_sense_are_refused(reconcile: Reconcile, options: list[str], says: str) -> None:
    with pytest.raises(CommandError) as refused:
        reconcile(["date,model,requests", "2026-11-02,x,1"], *options)

    assert says in str(refused.value)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    for name in ("missing.csv", "binary.csv"):
        with pytest.raises(CommandError, match="can't be read"):
            call_command("reconcile_provider", str(tmp_path / name))
