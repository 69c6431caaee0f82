"""The management API and its schema."""

from opscenter.settings.site import FAVICON_URL

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "gateway.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["opscenter.core.api.LLMPermission"],
    "DEFAULT_RENDERER_CLASSES": ["opscenter.core.json_body.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["opscenter.core.json_body.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "opscenter.core.api.PageNumberPages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "opscenter.core.api.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Ops-Center",
    "DESCRIPTION": "Manage providers, and use them through one gateway.",
    "VERSION": "1",
    "SERVE_PUBLIC": True,
    "SERVE_INCLUDE_SCHEMA": False,
    "PREPROCESSING_HOOKS": ["gateway.schema_paths.without_aliases"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "gateway.schema_errors.with_errors",
        "gateway.schema_paths.with_callable_models",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": FAVICON_URL,
    "ENUM_NAME_OVERRIDES": {
        "AccountStandingEnum": "credits.models.Account.Standing",
        "HealthEnum": "llmconfig.models.AIServer.Health",
        "PurposeEnum": "llmconfig.models.Purpose",
        "ProviderTypeEnum": "llmconfig.services.pointers.PROVIDER_TYPES",
        "PlatformKeySourceEnum": "llmconfig.serializers.platform_keys.SOURCES",
    },
}
