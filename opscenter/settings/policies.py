"""What browsers are told to allow: cookies, frames, scripts."""

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE

SESSION_ENGINE = "opscenter.core.sessions"
SESSION_COOKIE_HTTPONLY = True
DEFAULT_EXCEPTION_REPORTER_FILTER = "opscenter.error_reports.NoValues"
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
# W008 asks for a redirect to https://. That is the proxy's, which alone knows what the client spoke: here it would
# loop wherever a proxy does not say so.
SILENCED_SYSTEM_CHECKS = ["security.W008"]

PERMISSIONS_POLICY = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
CSP_OF_DATA = {
    "default-src": [NONE],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [NONE],
    "object-src": [NONE],
}
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": CSP_OF_DATA
    | {
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
    }
}
# Alpine.js, which unfold's pages are made with, evaluates attributes; unfold writes its colours into the page.
CSP_OF_ADMIN = CONTENT_SECURITY_POLICY["DIRECTIVES"] | {
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
}
