"""Secrets that are none: what examples and documentation print for people to replace."""

import re
from hashlib import sha256

# Long enough each, that no generated secret matches by chance.
_PATTERNS = re.compile(
    r"""
    ^(sk-)?(12345678|abcdefgh|x{8}|\*{3}|\.{3})   # sk-xxxxxxxx and what somebody appended to it
    | ^(sk-)?(1234|abcd|x{3,}).{0,4}$
    | change-?_?me | replace-?_?me | placeholder | insecure
    | ^<.*>$
    | ^(sk-)?(your|my)[-_ ](.*[-_ ])?(api|key|secret|token|password)   # your-openai-key, my_api_key
    | [-_]here$
    | ^(sk-)?(example|secret|test|dummy|fake|anything|password|master-?key)[-_0-9]*$
    """,
    re.IGNORECASE | re.VERBOSE,
)
# SHA-256 of keys that look good, and stand in documentation for everybody to read.
_PRINTED = {
    "03b24d4d76ddd1f95272b185a4917f8b95a2ece284ce5889dc1f3816b853c3f3",
    "2cafc0970149a84f3b9e62eaf169f36f59907a3b3e31f7b82e68c69cd27f7326",
    "f2d6ca16515033e5dce14eba840b979d27b5cbae24bb3e5bf484339667f86397",
    "2d1f7723aabc5c7a51fcdc2463c99b5f3fdbc57cf3134db4ac12913c35976e6f",
}


def is_placeholder(secret: str) -> bool:
    """Whether `secret` is known to everybody. An empty one is none at all, and no placeholder."""
    value = secret.strip()
    return bool(value and (_PATTERNS.search(value) or sha256(value.encode()).hexdigest() in _PRINTED))
