"""What the site is made of: apps, middleware, templates, languages, and the admin's dress."""

from pathlib import Path

BASE_DIR = Path(__file__).resolve().parents[2]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "unfold",
    "opscenter",
    "opscenter.core",
    "llmconfig",
    "credits",
    "gateway",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "csp",
]
# The inference endpoints have a handler of their own with none of these: opscenter/asgi.py.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "opscenter.headers.SecurityHeadersMiddleware",
    "opscenter.core.middleware.RequestContextMiddleware",
    "opscenter.static.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "opscenter.core.middleware.OneTimePasswordMiddleware",
    "opscenter.core.signin.middleware.SecondFactorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "opscenter.urls"
ASGI_APPLICATION = "opscenter.asgi.application"
APPEND_SLASH = False
AUTH_USER_MODEL = "core.User"
LOGIN_URL = "account_login"
AUTHENTICATION_BACKENDS = ["opscenter.core.signin.backend.Backend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
LANGUAGE_CODE = "en-us"
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = "opscenter.formats"
STATIC_URL = "/static/"
FAVICON_URL = f"{STATIC_URL}opscenter/favicon.svg"
WHITENOISE_USE_FINDERS = True

UNFOLD = {
    "SITE_TITLE": "Ops-Center",
    "SITE_HEADER": "Ops-Center",
    "SITE_SYMBOL": "hub",
    "SITE_URL": "/admin/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": FAVICON_URL}],
    "STYLES": [f"{STATIC_URL}opscenter/admin.css"],
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "opscenter.front_page.page.fill",
    "SIDEBAR": {"show_search": True, "navigation": "opscenter.navigation.sidebar"},
}
