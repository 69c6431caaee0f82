"""Model servers that the operator runs."""

from typing import ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models

from llmconfig.models.metadata import validate_metadata
from llmconfig.models.purpose import Purpose
from opscenter.core.models import Secret
from opscenter.core.outbound import OutboundRefused, Policy, check_base_url


class AIServerQuerySet(models.QuerySet["AIServer"]):
    def enabled(self) -> "AIServerQuerySet":
        return self.filter(enabled=True)

    def with_secret(self) -> "AIServerQuerySet":
        """With the secret's row, so that masking a page of servers costs no query each."""
        return self.select_related("api_key")


class AIServer(models.Model):
    """A server that speaks OpenAI's wire format. Its models cost nothing unless they are priced.

    The stored key is only ever sent to the origin of `base_url`. `environment_url` is the one that was taken over from
    the environment: as long as it is the `base_url`, the environment's next one replaces it.
    """

    class ServerType(models.TextChoices):
        VLLM = "vllm", "vLLM"
        OLLAMA = "ollama", "Ollama"
        LLAMACPP = "llamacpp", "llama.cpp"
        OPENAI_COMPATIBLE = "openai-compatible", "OpenAI-compatible"

    class Health(models.TextChoices):
        UNKNOWN = "unknown", "Unknown"
        HEALTHY = "healthy", "Healthy"
        DEGRADED = "degraded", "Degraded"
        UNHEALTHY = "unhealthy", "Unhealthy"

    name = models.CharField(max_length=100, unique=True)
    server_type = models.CharField(max_length=20, choices=ServerType)
    base_url = models.CharField(
        "base URL",
        max_length=500,
        help_text="For example http://gpu1:8000. Where the URL has no path, /v1 is added.",
    )
    environment_url = models.CharField(max_length=500, blank=True, default="", editable=False)
    api_key = models.ForeignKey(
        Secret, null=True, blank=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )
    model_path = models.CharField(max_length=300, blank=True, help_text="The server's default model.")
    enabled = models.BooleanField(default=True)
    use_for_chat = models.BooleanField(default=True)
    use_for_embeddings = models.BooleanField(default=False)
    use_for_reranking = models.BooleanField(default=False)
    check_interval_s = models.PositiveIntegerField(
        "check interval (s)",
        null=True,
        blank=True,
        help_text="Between two health checks. Empty: what the installation has for servers; 0: never.",
    )
    last_health_check = models.DateTimeField(null=True, blank=True, editable=False)
    health_status = models.CharField(max_length=10, choices=Health, default=Health.UNKNOWN, editable=False)
    metadata = models.JSONField(default=dict, blank=True, validators=[validate_metadata])
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = AIServerQuerySet.as_manager()

    class Meta:
        db_table = "ai_servers"
        ordering = ("name",)
        verbose_name = "AI server"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(server_type__in=["vllm", "ollama", "llamacpp", "openai-compatible"]),
                name="ai_server_type_known",
            ),
            models.CheckConstraint(
                condition=models.Q(health_status__in=["unknown", "healthy", "degraded", "unhealthy"]),
                name="ai_server_health_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.base_url = self.base_url.strip().rstrip("/")
        try:
            check_base_url(self.base_url, self.policy)
        except OutboundRefused as error:
            raise ValidationError({"base_url": str(error)}) from error

    @property
    def api_base(self) -> str:
        """Where /chat/completions and /models are: `base_url`, with /v1 where it has no path."""
        _, _, after_scheme = self.base_url.partition("://")
        return self.base_url if after_scheme.partition("/")[2].strip("/") else f"{self.base_url}/v1"

    @property
    def origin(self) -> tuple[str, str | None, int | None]:
        """Scheme, host and port: what a stored key is bound to. No host where `base_url` can't be read."""
        try:
            parts = urlsplit(self.base_url)
            port = parts.port
        except ValueError:
            return self.base_url, None, None
        return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80)

    @property
    def policy(self) -> Policy:
        return Policy.PRIVATE_ALLOWED if settings.ALLOW_PRIVATE_AI_SERVERS else Policy.PUBLIC

    @property
    def masked_key(self) -> str | None:
        return self.api_key.masked if self.api_key else None

    def serves(self, purpose: str) -> bool:
        """Whether it may be made active, or routed to, for `purpose`."""
        return {
            Purpose.CHAT.value: self.use_for_chat,
            Purpose.EMBEDDINGS.value: self.use_for_embeddings,
            Purpose.RERANKING.value: self.use_for_reranking,
        }[purpose]
