"""What each may ask for, in one line by kind of route. The first line that fits a route counts.

`*` in a pattern is anything, slashes too. A line says for each method who is let in; everybody else is refused: who
brought nothing that counts is told to authenticate (401, or led to the page for it), who did is told 403.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase

from tests.access.people import (
    ADMINS_TOKEN,
    BARE_STAFF,
    ROOT,
    ROOTS_KEY,
    SESSIONS,
    STAFF_ADMIN,
    STAFF_USER,
    USER,
    USERS_KEY,
    USERS_TOKEN,
)

Who = Collection[str]


class Kind(Enum):
    """What a refusal looks like."""

    MANAGED = "JSON for keys, tokens and sessions"
    INFERENCE = "JSON for keys and tokens, and for sessions of this site's own pages"
    PAGE = "a page, for sessions alone"
    OPEN = "for everybody"
    OWN_RULE = "let in by another rule than who asks, which has tests of its own"


@dataclass(frozen=True, slots=True)
class Line:
    routes: tuple[str, ...]
    kind: Kind
    may: Mapping[str, Who]

    def lets_in(self, who: str, method: str) -> bool:
        return self.kind is Kind.OPEN or who in self.may.get(method, self.may.get("*", ()))


CALLERS = {USERS_KEY, ROOTS_KEY, USERS_TOKEN, ADMINS_TOKEN}
# Signed in, be it by a token or in a browser: a virtual key is for calling models.
SIGNED_IN_USERS = {USERS_TOKEN, ADMINS_TOKEN, USER, STAFF_USER, STAFF_ADMIN, ROOT}
CONSUMERS = CALLERS | SIGNED_IN_USERS
OPERATORS = {ADMINS_TOKEN, STAFF_ADMIN, ROOT}
STAFF = {BARE_STAFF, STAFF_USER, STAFF_ADMIN, ROOT}

CALLED = ("chat/completions", "embeddings", "rerank", "messages*", "responses*", "models*", "quote", "workflows*")
CONFIGURED = ("servers", "api-keys", "active", "models", "deployments", "health")
# One's own models; what is read there without `?mine=true` is inference's list.
PERSONAL = ("api/v1/llm/models", "api/v1/llm/models/<int:pk>")


def line(*routes: str, kind: Kind = Kind.MANAGED, **may: Who) -> Line:
    """`others` is for every method that isn't named."""
    return Line(routes, kind, {"*" if method == "others" else method: who for method, who in may.items()})


TABLE = (
    # Nobody needs to be known to sign in, or to see that we are alive, what the API is like, and the icon.
    line("", "favicon.ico", "health/*", "api/schema", "api/docs", "api/v1/auth/login", kind=Kind.OPEN),
    line("accounts/login/", "accounts/logout/", "accounts/inactive/", "accounts/2fa/authenticate/", kind=Kind.OPEN),
    line("admin/login/", "admin/logout/", "admin/password_change/", kind=Kind.OPEN),
    # By METRICS_TOKEN or from METRICS_NETWORKS; by Stripe's signature.
    line("metrics", "stripe/webhook", kind=Kind.OWN_RULE),
    # One's own account, and the purchases that one made.
    line("accounts/*", "credits/purchases/*", kind=Kind.PAGE, others=SESSIONS),
    # Calling models, and what may be called.
    line(*PERSONAL, others=SIGNED_IN_USERS),
    line(*(f"v1/{name}" for name in CALLED), kind=Kind.INFERENCE, others=CONSUMERS),
    line(*(f"api/v1/llm/{name}" for name in CALLED), kind=Kind.INFERENCE, others=CONSUMERS),
    line("v2/rerank", "api/v2/llm/chat/completions", "api/v2/llm/models*", kind=Kind.INFERENCE, others=CONSUMERS),
    line("api/v2/llm/routing/explain", kind=Kind.INFERENCE, others=CONSUMERS),
    # One's own: credits are shown to keys, too, and bought by them.
    line("api/v1/llm/credits", "api/v1/llm/credits/transactions", GET=CONSUMERS),
    line("api/v1/llm/credits/packages", "api/v1/llm/credits/plans", GET=CONSUMERS),
    line("api/v1/llm/credits/purchase", POST=CONSUMERS),
    line("api/v1/llm/usage*", GET=CONSUMERS),
    line("api/v1/llm/keys*", "api/v1/llm/providers*", others=SIGNED_IN_USERS),
    line("api/v1/auth/reauthenticate", POST=SIGNED_IN_USERS),
    # Whose money it is: operators look, and whoever was trusted with just that moves it.
    line("api/v1/llm/credits/margin", GET=OPERATORS),
    line("api/v1/llm/credits/adjustments", "api/v1/llm/credits/adjustments/<uuid:pk>", GET=OPERATORS),
    line("api/v1/llm/credits/*", POST={ROOT}),
    # Configuration: users read what they may choose from, operators change it. Platform keys and the audit log are
    # for operators alone.
    line("api/v1/admin/platform-keys/<slug:provider>/decrypted*", GET={ROOT}),
    line("api/v1/llm-config/audit*", "api/v1/admin/platform-keys*", others=OPERATORS),
    line(*(f"api/v1/llm-config/{name}*" for name in CONFIGURED), GET=SIGNED_IN_USERS, others=OPERATORS),
    # The admin: any staff finds its front page; lists, rows and buttons are by permission.
    line("admin/", "admin/jsi18n/", "admin/search/", "admin/password_change/*", kind=Kind.PAGE, others=STAFF),
    line("admin/auth/*", kind=Kind.PAGE, others={ROOT}),
    line("admin/*/*/*/do/*", "admin/*/*/do/*", kind=Kind.PAGE, POST={STAFF_ADMIN, ROOT}),
    line("admin/*", kind=Kind.PAGE, others={STAFF_ADMIN, ROOT}),
)  # fmt: skip


def line_of(pattern: str) -> Line | None:
    return next((row for row in TABLE if any(fnmatchcase(pattern, route) for route in row.routes)), None)
