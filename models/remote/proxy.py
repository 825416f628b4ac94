"""The proxy on the way to a server, as HTTP_PROXY, HTTPS_PROXY and NO_PROXY name it."""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from cocoon.core.errors import CocoonError
from cocoon.core.model_spec import without_secrets


def proxy_of(url: str) -> str | None:
    """Return the address of the proxy for a server's address, with the password that it may have. None: no proxy.

    Raises CocoonError for a proxy of a kind that is not supported.
    """
    parts = urlsplit(url)
    proxies = getproxies()
    address = proxies.get(parts.scheme) or proxies.get("all")
    if not address or proxy_bypass(parts.netloc):
        return None
    address = address if "://" in address else f"http://{address}"
    if urlsplit(address).scheme not in ("http", "https"):
        raise CocoonError(
            f"proxy {without_secrets(address)!r} from the environment: only http proxies are supported; "
            f"set {parts.scheme.upper()}_PROXY to one, or name the host in NO_PROXY"
        )
    return address


def route(host: str, proxy: str | None) -> str:
    """Return a host as people are told of it, with the proxy that the text goes through."""
    return host if proxy is None else f"{host} (through the proxy {without_secrets(proxy)})"
