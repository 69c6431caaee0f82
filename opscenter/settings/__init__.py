"""Settings: the only file that reads the environment. Every variable is described in .env.example.

What is the same in every installation stands beside it, by topic.
"""

import secrets
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from opscenter.settings import logs, schedule
from opscenter.settings.policies import *  # noqa: F403 - settings all of them
from opscenter.settings.rest import *  # noqa: F403 - as above
from opscenter.settings.schedule import *  # noqa: F403 - as above
from opscenter.settings.signing_in import *  # noqa: F403 - as above
from opscenter.settings.site import *  # noqa: F403 - as above
from opscenter.settings.site import BASE_DIR

env = environ.Env()
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).resolve()

# The environment wins over .env, which wins over the secrets that `make install` wrote.
for file in (BASE_DIR / ".env", DATA_DIR / "secrets.env"):
    if file.is_file():
        environ.Env.read_env(file)

# --- what every installation decides ---

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
BYOK_ENCRYPTION_KEY = env.str("BYOK_ENCRYPTION_KEY", default="")
if sys.argv[1:2] in (["generate_encryption_key"], ["generate_master_key"]):
    # They make what is missing, and sign nothing.
    SECRET_KEY = SECRET_KEY or secrets.token_urlsafe(50)
elif not SECRET_KEY or not BYOK_ENCRYPTION_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY and BYOK_ENCRYPTION_KEY are not set. Run `make install`, which writes fresh ones to "
        f"{DATA_DIR / 'secrets.env'}, or set both in the environment (see .env.example). Where secrets are stored "
        "already, put back the BYOK_ENCRYPTION_KEY that they were encrypted with."
    )
PUBLIC_URL = env.str("PUBLIC_URL", default="").rstrip("/")
PORT = env.int("PORT", default=8084)
WEB_CONCURRENCY = env.int("WEB_CONCURRENCY", default=1)
# Proxies whose X-Forwarded-For and -Proto are believed: addresses, networks or "*". Empty: nobody's.
FORWARDED_ALLOW_IPS = env.str("FORWARDED_ALLOW_IPS", default="")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
REDIS_URL = env.str("REDIS_URL", default="")
CREDITS_PER_USD = env.str("CREDITS_PER_USD", default="1000")
CREDITS_APPROVAL_LIMIT = env.str("CREDITS_APPROVAL_LIMIT", default="100000")

# --- the gateway and its ledger (seconds) ---

LEASE_S = env.float("LEASE_S", default=60)
SWEEP_INTERVAL_S = env.float("SWEEP_INTERVAL_S", default=30)
RECORD_LOST_CALLS_INTERVAL_S = env.float("RECORD_LOST_CALLS_INTERVAL_S", default=300)
HEARTBEAT_S = env.float("HEARTBEAT_S", default=3)
SNAPSHOT_POLL_S = env.float("SNAPSHOT_POLL_S", default=0.1)
SNAPSHOT_STALE_S = env.float("SNAPSHOT_STALE_S", default=5)
DRAIN_S = env.float("DRAIN_S", default=30)
DRAIN_LIMIT = env.int("DRAIN_LIMIT", default=32)
SHUTDOWN_GRACE_S = env.int("SHUTDOWN_GRACE_S", default=20)
SHUTDOWN_IDLE_S = env.float("SHUTDOWN_IDLE_S", default=5)
KEEP_ALIVE_S = env.int("KEEP_ALIVE_S", default=75)
HEADER_TIMEOUT_S = env.float("HEADER_TIMEOUT_S", default=20)
BODY_TIMEOUT_S = env.float("BODY_TIMEOUT_S", default=30)
BODY_MIN_BYTES_PER_S = env.int("BODY_MIN_BYTES_PER_S", default=32 * 1024)
CLIENT_IDLE_TIMEOUT_S = env.float("CLIENT_IDLE_TIMEOUT_S", default=60)
UPSTREAM_CONNECT_TIMEOUT_S = env.float("UPSTREAM_CONNECT_TIMEOUT_S", default=5)
UPSTREAM_IDLE_TIMEOUT_S = env.float("UPSTREAM_IDLE_TIMEOUT_S", default=120)
REQUEST_TIMEOUT_S = env.float("REQUEST_TIMEOUT_S", default=600)
UPSTREAM_RETRIES = env.int("UPSTREAM_RETRIES", default=3)
BREAKER_FAILURES = env.int("BREAKER_FAILURES", default=5)
BREAKER_OPEN_S = env.float("BREAKER_OPEN_S", default=30)
LIMITS_TIMEOUT_S = env.float("LIMITS_TIMEOUT_S", default=0.2)
MAX_BODY_BYTES = env.int("MAX_BODY_BYTES", default=32 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
BODY_BUDGET_BYTES = env.int("BODY_BUDGET_BYTES", default=128 * 1024 * 1024)
IMAGE_TOKEN_ALLOWANCE = env.int("IMAGE_TOKEN_ALLOWANCE", default=2000)
REQUEST_MONTHS_KEPT = env.int("REQUEST_MONTHS_KEPT", default=13)
ACCESS_TOKEN_S = env.int("ACCESS_TOKEN_S", default=12 * 3600)
VIRTUAL_KEYS_PER_USER = env.int("VIRTUAL_KEYS_PER_USER", default=100)
VIRTUAL_KEY_GRACE_S = env.int("VIRTUAL_KEY_GRACE_S", default=24 * 3600)
IDEMPOTENCY_KEPT_S = env.int("IDEMPOTENCY_KEPT_S", default=24 * 3600)
IDEMPOTENCY_MAX_BYTES = env.int("IDEMPOTENCY_MAX_BYTES", default=2 * 1024 * 1024)
REASONING_STEPS = env.int("REASONING_STEPS", default=3)
REASONING_STEP_TOKENS = env.int("REASONING_STEP_TOKENS", default=512)
ROUTING_CLASSIFIER_MODEL = env.str("ROUTING_CLASSIFIER_MODEL", default="")
ROUTING_CLASSIFIER_TEMPERATURE = env.float("ROUTING_CLASSIFIER_TEMPERATURE", default=0.0)

# --- provider keys ---

KEY_ROTATION_INTERVAL_S = env.float("KEY_ROTATION_INTERVAL_S", default=30)

# --- outbound connections ---

ALLOW_PRIVATE_AI_SERVERS = env.bool("ALLOW_PRIVATE_AI_SERVERS", default=True)
PROVIDER_API_BASES: dict[str, str] = env.json("PROVIDER_API_BASES", default={})
DEFAULT_TRANSPORT = env.str("DEFAULT_TRANSPORT", default="auto")
PRELOAD_LITELLM = env.bool("PRELOAD_LITELLM", default=True)

# --- taken over at every start: llmconfig/services/take_over.py; the first usable one is made active first ---

PLATFORM_API_KEYS: dict[str, str] = {
    "openrouter": env.str("OPENROUTER_API_KEY", default="").strip(),
    "openai": env.str("OPENAI_API_KEY", default="").strip(),
    "anthropic": env.str("ANTHROPIC_API_KEY", default="").strip(),
    "groq": env.str("GROQ_API_KEY", default="").strip(),
    "together": env.str("TOGETHER_API_KEY", default="").strip(),
    "fireworks": env.str("FIREWORKS_API_KEY", default="").strip(),
    "deepinfra": env.str("DEEPINFRA_API_KEY", default="").strip(),
    "huggingface": env.str("HUGGINGFACE_API_KEY", default="").strip(),
    "google": env.str("GOOGLE_API_KEY", default="").strip(),
}
AI_SERVER_HOSTS: dict[str, str] = {
    "vllm": env.str("VLLM_HOST", default="").strip(),
    "ollama": env.str("OLLAMA_HOST", default="").strip(),
}

# --- health of providers: llmconfig/health ---

HEALTH_SERVER_INTERVAL_S = env.float("HEALTH_SERVER_INTERVAL_S", default=30)
HEALTH_KEY_INTERVAL_S = env.float("HEALTH_KEY_INTERVAL_S", default=300)
HEALTH_TICK_S = env.float("HEALTH_TICK_S", default=2)
HEALTH_TIMEOUT_S = env.float("HEALTH_TIMEOUT_S", default=5)
HEALTH_CONFIRMATIONS = env.int("HEALTH_CONFIRMATIONS", default=2)
HEALTH_CONCURRENCY = env.int("HEALTH_CONCURRENCY", default=16)
HEALTH_HISTORY_S = env.int("HEALTH_HISTORY_S", default=48 * 3600)

# --- alerts ---

ALERT_TICK_S = 5.0
ALERT_EMAILS = env.list("ALERT_EMAILS", default=[])
ALERT_WEBHOOK_URL = env.str("ALERT_WEBHOOK_URL", default="")
ALERT_WEBHOOK_SECRET = env.str("ALERT_WEBHOOK_SECRET", default="")
ALERT_WEBHOOK_PRIVATE = env.bool("ALERT_WEBHOOK_PRIVATE", default=False)
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="ops-center@localhost")
EMAIL_URL = env.str("EMAIL_URL", default="")
_email = environ.Env.email_url_config(EMAIL_URL or "dummymail://")
EMAIL_BACKEND = _email["EMAIL_BACKEND"]
EMAIL_HOST = _email["EMAIL_HOST"] or "localhost"
EMAIL_PORT = _email["EMAIL_PORT"] or 25
EMAIL_HOST_USER = _email["EMAIL_HOST_USER"] or ""
EMAIL_HOST_PASSWORD = _email["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS = _email.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _email.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10

# --- selling credits by Stripe: credits/stripe; without a key nothing is for sale ---

STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="")
STRIPE_WEBHOOK_SECRET = env.str("STRIPE_WEBHOOK_SECRET", default="")
STRIPE_LIVEMODE = STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))
STRIPE_API_BASE = env.str("STRIPE_API_BASE", default="https://api.stripe.com").rstrip("/")
STRIPE_TIMEOUT_S = env.float("STRIPE_TIMEOUT_S", default=15)
STRIPE_RETRIES = env.int("STRIPE_RETRIES", default=2)
STRIPE_TOLERANCE_S = env.int("STRIPE_TOLERANCE_S", default=300)
STRIPE_TICK_S = env.float("STRIPE_TICK_S", default=60)
STRIPE_EVENTS_KEPT_DAYS = env.int("STRIPE_EVENTS_KEPT_DAYS", default=400)

# --- the LiteLLM proxy beside it: llmconfig/proxy ---

LITELLM_SYNC_MODE = env.str("LITELLM_SYNC_MODE", default="off")
LITELLM_PROXY_URL = (env.str("LITELLM_PROXY_URL", default="") or env.str("LITELLM_BASE_URL", default="")).rstrip("/")
LITELLM_MASTER_KEY = env.str("LITELLM_MASTER_KEY", default="")
LITELLM_API_KEY = env.str("LITELLM_API_KEY", default="")
LITELLM_EVAL_KEY = env.str("LITELLM_EVAL_KEY", default="")
LITELLM_CONFIG_DIR = Path(env.str("LITELLM_CONFIG_DIR", default="") or DATA_DIR / "litellm")
LITELLM_RELOAD_COMMAND = env.str("LITELLM_RELOAD_COMMAND", default="")
LITELLM_RELOAD_TIMEOUT_S = env.float("LITELLM_RELOAD_TIMEOUT_S", default=120)
LITELLM_DEBOUNCE_S = env.float("LITELLM_DEBOUNCE_S", default=3)
LITELLM_RECONCILE_INTERVAL_S = env.float("LITELLM_RECONCILE_INTERVAL_S", default=120)
LITELLM_NUM_RETRIES = env.int("LITELLM_NUM_RETRIES", default=3)
LITELLM_ROUTING_STRATEGY = env.str("LITELLM_ROUTING_STRATEGY", default="simple-shuffle")
LITELLM_CALLBACKS = env.list("LITELLM_CALLBACKS", default=["otel"])

# --- database ---

_database_url = env.str("DATABASE_URL", default="") or f"sqlite:///{DATA_DIR / 'db.sqlite3'}"
DATABASES: dict[str, dict[str, Any]] = {"default": environ.Env.db_url_config(_database_url)}
_database = DATABASES["default"]
if _database["ENGINE"] == "django.db.backends.sqlite3":
    _database["OPTIONS"] = {
        # FULL, because a committed hold must outlive a power cut; it cost 0.15 ms a commit where it was measured.
        # DEFERRED transactions fail "locked" under contention, whatever the timeout; IMMEDIATE ones wait.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
else:
    _database["CONN_HEALTH_CHECKS"] = True
    _database["OPTIONS"] = {
        **_database.get("OPTIONS", {}),
        "connect_timeout": 2,
        "application_name": "opscenter",
        # Milliseconds in which a network that says nothing is given up.
        "tcp_user_timeout": 5000,
        # Beside it a web worker keeps two connections of its own: the ledger's and the snapshot's. Whoever waits for a
        # connection has one attempt after another made for it, each pausing twice as long as the one before, until it
        # has failed for reconnect_timeout; with five minutes, pages stay away for minutes after the database is back.
        "pool": {"min_size": 0, "max_size": 2, "timeout": 5, "reconnect_timeout": 2},
    }

# --- signing in: opscenter/core/signin ---

STAFF_MFA_REQUIRED = env.bool("STAFF_MFA_REQUIRED", default=False)
SESSION_COOKIE_AGE = env.int("SESSION_S", default=12 * 3600)
SESSION_EXPIRE_AT_BROWSER_CLOSE = True

AXES_FAILURE_LIMIT = env.int("AXES_FAILURE_LIMIT", default=5)
AXES_ADDRESS_FAILURE_LIMIT = env.int("AXES_ADDRESS_FAILURE_LIMIT", default=50)
AXES_CODE_FAILURE_LIMIT = env.int("AXES_CODE_FAILURE_LIMIT", default=10)
AXES_COOLOFF_TIME = timedelta(seconds=env.int("AXES_COOLOFF_S", default=900))

# --- security ---

if PUBLIC_URL:
    CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
# Plain HTTP stays possible behind a proxy; a public https:// address hardens cookies and has browsers stay on it.
HTTPS = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS

# --- caches and tasks ---

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"SOCKET_TIMEOUT": 0.2, "SOCKET_CONNECT_TIMEOUT": 0.2, "IGNORE_EXCEPTIONS": True},
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
CELERY_BROKER_URL = REDIS_URL or "filesystem://localhost"
if not REDIS_URL:
    # The filesystem broker wants one folder that both ends read and write.
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(DATA_DIR / "broker"),
        "data_folder_out": str(DATA_DIR / "broker"),
        "control_folder": str(DATA_DIR / "broker-control"),
    }
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE = schedule.at_times | {
    "sweep-holds": schedule.every(SWEEP_INTERVAL_S, "gateway.tasks.sweep_holds"),
    "expire-credits": schedule.every(60, "credits.tasks.expire_credits"),
    "record-lost-calls": schedule.every(RECORD_LOST_CALLS_INTERVAL_S, "gateway.tasks.record_lost_calls"),
    "rotate-due-keys": schedule.every(KEY_ROTATION_INTERVAL_S, "llmconfig.tasks.rotate_due_keys"),
    "check-health": schedule.every(HEALTH_TICK_S, "llmconfig.tasks.check_health"),
    "send-alerts": schedule.every(ALERT_TICK_S, "opscenter.core.tasks.send_alerts"),
}
if STRIPE_SECRET_KEY:
    CELERY_BEAT_SCHEDULE |= schedule.of_purchases | {
        "go-on-with-stripe": schedule.every(STRIPE_TICK_S, "credits.tasks.go_on_with_stripe"),
    }
if LITELLM_SYNC_MODE != "off":
    CELERY_BEAT_SCHEDULE |= {
        "sync-litellm-proxy-on-change": schedule.every(LITELLM_DEBOUNCE_S, "llmconfig.tasks.sync_proxy_on_change"),
        "reconcile-litellm-proxy": schedule.every(LITELLM_RECONCILE_INTERVAL_S, "llmconfig.tasks.reconcile_proxy"),
    }

# --- metrics: opscenter/scraping.py ---

METRICS_DIR = DATA_DIR / "metrics"
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
# A public installation has a proxy before it, and through one that adds no header everybody would come from loopback.
METRICS_NETWORKS = env.list("METRICS_NETWORKS", default=[] if PUBLIC_URL else ["127.0.0.0/8", "::1/128"])

# --- logging: opscenter/logging.py ---

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOGGING = logs.at_level(LOG_LEVEL)
