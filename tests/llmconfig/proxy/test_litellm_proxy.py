"""The real LiteLLM proxy on the files that sync wrote, and its management API as it describes it itself."""

import stat
from collections.abc import Callable
from secrets import token_hex
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from llmconfig.models import AIServer, LLMModel, ProviderKey, ProxyState
from llmconfig.proxy import master_key
from llmconfig.services import active, catalog, provider_keys, proxy_sync, servers
from opscenter.core.models import AuditEntry
from tests.llmconfig.proxy.management import Management
from tests.llmconfig.proxy.real import RealProxy
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

SERVER_KEY = f"sk-{token_hex(12)}77aa"
OPENAI_KEY = f"sk-{token_hex(12)}5d80"


def make_server(upstream: Upstream, name: str = "gpu", **fields: Any) -> AIServer:
    values = {"name": name, "server_type": "vllm", "base_url": upstream.origin, "use_for_embeddings": True, **fields}
    return servers.create(fields=values, api_key=SERVER_KEY)


def offer(name: str, server: AIServer | ProviderKey, upstream_model: str = "test-model", **fields: Any) -> LLMModel:
    deployment: dict[str, Any] = {
        "provider_type": "ai_server" if isinstance(server, AIServer) else "api_key",
        "provider_id": server.pk,
        "upstream_model": upstream_model,
    }
    if "rpm" in fields:
        deployment["rpm"] = fields.pop("rpm")
    return catalog.create_model(values={"name": name, "input_price": "2", **fields}, deployments=[deployment])


def test_the_proxy_serves_from_the_files_and_drift_shows_until_it_reloads(
    proxy: RealProxy, upstream: Upstream, settings: Settings
) -> None:
    settings.LITELLM_SYNC_MODE, settings.LITELLM_CONFIG_DIR = "file", proxy.folder
    settings.LITELLM_PROXY_URL, settings.LITELLM_MASTER_KEY = proxy.url, proxy.master_key
    server = make_server(upstream)
    small = offer("small", server, output_price="4", use_case_tags=["code"], latency_class="fast", rpm=600)
    offer("vectors", server, purpose="embeddings")
    offer("broken", server, upstream_model="fault:status-500")
    offer("far", provider_keys.create(fields={"provider": "openai", "key_name": "main"}, api_key=OPENAI_KEY))
    active.set_active(purpose="chat", primary=server, default_model="broken", fallback=server, fallback_model="small")

    assert _is_drifted(proxy_sync.sync(), {"small", "vectors", "broken", "far"})
    settings.LITELLM_RELOAD_COMMAND = proxy.reload_command
    synced = proxy_sync.sync(reload=True)

    assert synced
    assert (synced.status, synced.message, synced.models_count) == ("in_sync", "", 4), proxy.log
    assert stat.S_IMODE((proxy.folder / "keys.env").stat().st_mode) == 0o600
    config = (proxy.folder / "config.yaml").read_text()
    assert not [key for key in (SERVER_KEY, OPENAI_KEY, proxy.master_key) if key in config]
    _serves_with_its_key_and_price(proxy, upstream)
    _falls_back(proxy, upstream)
    _tells_its_own_master_key_from_another(proxy, settings)

    settings.LITELLM_RELOAD_COMMAND, settings.LITELLM_RELOAD_TIMEOUT_S = "", 0
    servers.update(server=server, fields={}, api_key=f"sk-{token_hex(16)}")
    catalog.update_model(model=small, values={"input_price": "3"})
    assert _is_drifted(proxy_sync.sync(), {"small", "vectors", "broken", "far"})
    assert _is_drifted(proxy_sync.look(), {"small", "vectors", "broken", "far"})
    catalog.delete_model(model=LLMModel.objects.get(name="vectors"))
    assert _is_drifted(proxy_sync.sync(), {"small", "vectors", "broken", "far"})


def _serves_with_its_key_and_price(proxy: RealProxy, upstream: Upstream) -> None:
    answer = proxy.call("small")

    assert answer.status_code == 200, answer.text
    (call,) = upstream.calls.for_model("test-model")
    assert call.headers["authorization"] == f"Bearer {SERVER_KEY}"
    usage = answer.json()["usage"]
    cost = (2 * usage["prompt_tokens"] + 4 * usage["completion_tokens"]) / 1_000_000
    assert float(answer.headers["x-litellm-response-cost"]) == pytest.approx(cost)
    assert proxy.call("vectors", path="embeddings", input=["a"]).status_code == 200
    described = {row["model_name"]: row for row in proxy.get("/v1/model/info")["data"]}
    info = described["small"]["model_info"]
    assert (info["tags"], info["latency"], info["privacy"], described["small"]["litellm_params"]["rpm"]) == (
        ["code"],
        "fast",
        "high",
        600,
    )


def _falls_back(proxy: RealProxy, upstream: Upstream) -> None:
    answer = proxy.call("broken")

    assert answer.status_code == 200, answer.text
    assert upstream.calls.for_model("fault:status-500")
    assert len(upstream.calls.for_model("test-model")) > 1


def _tells_its_own_master_key_from_another(proxy: RealProxy, settings: Settings) -> None:
    assert master_key.problem() == ""
    settings.LITELLM_MASTER_KEY = f"sk-{token_hex(16)}"
    assert "LITELLM_MASTER_KEY" in master_key.problem()
    with pytest.raises(CommandError, match="LITELLM_MASTER_KEY"):
        call_command("worker", "--no-beat")
    state = proxy_sync.look()
    assert state
    assert (state.status, "LITELLM_MASTER_KEY" in state.message) == ("failing", True)
    settings.LITELLM_MASTER_KEY = proxy.master_key


def _is_drifted(state: ProxyState | None, models: set[str]) -> bool:
    assert state
    assert (state.status, {model for _, model, _ in state.differences}) == ("drifted", models)
    return True


@pytest.fixture
def told(served: Management, upstream: Upstream) -> Callable[[], tuple[str, list[str]]]:
    """Syncs; how the proxy stands then, and what it was asked to change."""

    def sync() -> tuple[str, list[str]]:
        served.asked.clear()
        state = proxy_sync.sync()
        assert state
        return state.status, list(served.asked)

    return sync


def test_a_running_proxy_is_told_what_differs_and_nothing_twice(
    told: Callable[[], tuple[str, list[str]]], served: Management, upstream: Upstream
) -> None:
    server = make_server(upstream)
    small = offer("small", server, rpm=60)
    far = provider_keys.create(fields={"provider": "openai", "key_name": "main"}, api_key=OPENAI_KEY)
    offer("far", far)
    (deployment,) = small.deployments.all()
    small_id, server_name, far_name = (
        f"opscenter-d{deployment.pk}",
        f"opscenter-server-{server.pk}",
        f"opscenter-key-{far.pk}",
    )

    status, asked = told()
    assert (status, asked) == ("in_sync", ["POST /credentials"] * 2 + ["POST /model/new"] * 2)
    assert {name: row["credential_values"]["api_key"] for name, row in served.credentials.items()} == {
        server_name: SERVER_KEY,
        far_name: OPENAI_KEY,
    }
    assert served.models[small_id]["litellm_params"]["litellm_credential_name"] == server_name
    assert told() == ("in_sync", [])

    catalog.update_model(model=small, values={"output_price": "5"})
    assert told() == ("in_sync", [f"PATCH /model/{small_id}/update"])
    rotated = f"sk-{token_hex(16)}"
    servers.update(server=server, fields={}, api_key=rotated)
    assert told() == ("in_sync", [f"PATCH /credentials/{server_name}", f"PATCH /model/{small_id}/update"])
    assert served.credentials[server_name]["credential_values"]["api_key"] == rotated

    catalog.update_deployment(deployment=deployment, values={"rpm": None})
    assert told() == ("in_sync", ["POST /model/delete", "POST /model/new"])
    assert "rpm" not in served.models[small_id]["litellm_params"]

    anew = ["POST /model/delete", "POST /model/new"]
    servers.update(server=server, fields={}, api_key=None)
    assert told() == ("in_sync", [*anew, f"DELETE /credentials/{server_name}"])
    servers.update(server=server, fields={}, api_key=SERVER_KEY)
    assert told() == ("in_sync", ["POST /credentials", *anew])
    assert "api_key" not in served.models[small_id]["litellm_params"]

    served.models[small_id]["litellm_params"]["api_base"] = "http://elsewhere.example/v1"
    state = proxy_sync.look()
    assert state
    assert state.differences == [["changed", "small", "On the proxy differs: api_base."]]
    assert told() == ("in_sync", [f"PATCH /model/{small_id}/update"])

    served.models["theirs"] = {"model_name": "theirs", "litellm_params": {}, "model_info": {"id": "theirs"}}
    catalog.delete_model(model=LLMModel.objects.get(name="far"))
    assert told() == ("in_sync", ["POST /model/delete", f"DELETE /credentials/{far_name}"])
    assert set(served.models) == {small_id, "theirs"}


def test_what_fails_is_told_again_and_the_rest_goes_on(
    told: Callable[[], tuple[str, list[str]]], served: Management, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmconfig.proxy.client._PAUSE_S", 0.0)
    server = make_server(upstream)
    offer("first", server)
    offer("second", server)

    served.fail("POST /model/new", 503, 429)
    assert told()[0] == "in_sync"
    assert len(served.models) == 2

    offer("third", server)
    offer("fourth", server)
    served.fail("POST /model/new", 400)
    assert told() == ("failing", ["POST /model/new"] * 2)
    entries = AuditEntry.objects.count()
    served.fail("POST /model/new", 400)
    assert told() == ("failing", ["POST /model/new"])
    assert AuditEntry.objects.count() == entries, "the same failure again is no news"
    state = ProxyState.objects.get()
    assert (len(served.models), state.difference_count) == (3, 1)
    assert "not created. The proxy answered 400 to POST /model/new." in state.message
    last = AuditEntry.objects.latest("id")
    assert (last.action, last.entity_type) == ("sync", "llm_proxy_state")
    assert (last.changes["after"]["created"], last.changes["after"]["failed"]) == (1, 1)
    assert not [entry for entry in AuditEntry.objects.all() if SERVER_KEY in str(entry.changes)]

    assert told() == ("in_sync", ["POST /model/new"])


def test_a_proxy_that_is_not_ours_or_keeps_nothing_or_is_away_is_said_to_be(
    served: Management, upstream: Upstream, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmconfig.proxy.client._PAUSE_S", 0.0)
    offer("small", make_server(upstream))

    settings.LITELLM_MASTER_KEY = f"sk-{'x' * 40}"
    assert _says("LITELLM_MASTER_KEY")
    settings.LITELLM_MASTER_KEY = served.master_key
    served.has_database = False
    assert _says("no database")
    served.has_database = True
    monkeypatch.setattr(served, "_do", lambda *asked: ["no", "proxy"])
    assert _says("does not answer")
    settings.LITELLM_PROXY_URL = "http://127.0.0.1:9"
    assert _says("does not answer")
    assert served.models == {}


def _says(part: str) -> bool:
    state = proxy_sync.sync()
    assert state
    return state.status == "failing" and part in state.message


def test_keys_are_made_once_shown_again_and_rotated(served: Management, capsys: pytest.CaptureFixture[str]) -> None:
    def lines(*arguments: str) -> dict[str, str]:
        call_command("setup_litellm_keys", *arguments)
        return dict(line.split("=", 1) for line in capsys.readouterr().out.splitlines())

    made = lines()
    variables = [f"LITELLM_{name}_KEY" for name in ("API", "TEST", "STAGING", "EVAL", "PROD")]
    assert list(made) == variables
    assert len(set(made.values())) == 5
    assert {row["key_alias"]: row["metadata"]["environment"] for row in served.keys.values()} == {
        f"litellm-{name}": name for name in ("dev", "test", "staging", "eval", "prod")
    }
    assert lines() == made
    assert len(served.keys) == 5

    rotated = lines("--rotate", "--environment", "eval")
    assert list(rotated) == ["LITELLM_EVAL_KEY"]
    assert rotated["LITELLM_EVAL_KEY"] not in made.values()
    assert lines() == made | rotated
    assert AuditEntry.objects.filter(entity_type="litellm_key").count() == 6


def test_a_key_that_somebody_else_made_is_left_alone(served: Management, capsys: pytest.CaptureFixture[str]) -> None:
    served.keys["t"] = {"token": "t", "key_alias": "litellm-dev", "metadata": None}

    call_command("setup_litellm_keys", "--environment", "dev")
    said = capsys.readouterr()
    assert (said.out, "--rotate" in said.err) == ("", True)

    call_command("setup_litellm_keys", "--environment", "dev", "--rotate")
    assert capsys.readouterr().out.startswith("LITELLM_API_KEY=sk-")
    assert "t" not in served.keys


def test_a_proxy_that_does_not_get_ready_is_waited_for_and_then_named(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.LITELLM_PROXY_URL, settings.LITELLM_MASTER_KEY = "http://127.0.0.1:9", f"sk-{'m' * 40}"

    with pytest.raises(CommandError, match=r"127\.0\.0\.1:9 did not get ready"):
        call_command("setup_litellm_keys", "--tries", "2", "--pause", "0")
    assert "Waiting for the proxy (1 of 2)" in capsys.readouterr().err
