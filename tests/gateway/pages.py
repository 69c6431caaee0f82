"""What a browser sends along from a page of this site, which was opened by whoever is signed in to `client`."""

from django.middleware.csrf import get_token
from django.test import Client, RequestFactory


def from_a_page(client: Client) -> dict[str, str]:
    """The headers: cookies, and the token that only a page of ours can read."""
    request = RequestFactory().get("/")
    token = get_token(request)
    cookies = {name: morsel.value for name, morsel in client.cookies.items()} | {
        "csrftoken": request.META["CSRF_COOKIE"]
    }
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()), "X-CSRFToken": token}
