"""Whether our master key is the proxy's own: it says so itself."""

from asgiref.sync import async_to_sync
from django.conf import settings

from llmconfig.errors import ProxyError, ProxyRefusedKey
from llmconfig.proxy.client import ProxyClient
from llmconfig.proxy.modes import OFF

_TIMEOUT_S = 5.0


def problem() -> str:
    """What is wrong with LITELLM_MASTER_KEY; "" where nothing is known to be: a proxy that is away may come later.

    Asks nobody where sync is off.
    """
    if settings.LITELLM_SYNC_MODE == OFF or not (settings.LITELLM_PROXY_URL and settings.LITELLM_MASTER_KEY):
        return ""
    try:
        async_to_sync(_ask)()
    except ProxyRefusedKey as error:
        return error.message
    except ProxyError:
        return ""
    return ""


async def _ask() -> None:
    """Of the things that nobody but the master may ask for, one that changes nothing."""
    async with ProxyClient(timeout_s=_TIMEOUT_S, attempts=1) as client:
        await client.ask("GET", "/credentials")
