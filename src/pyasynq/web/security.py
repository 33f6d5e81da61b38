"""What keeps other web pages and other hosts away. Pure."""

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""On every answer."""

PAGE_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    # With no-referrer, browsers send the Origin "null" with a form, which could be anybody's.
    "Referrer-Policy": "same-origin",
}
"""On every page, which brings its own scripts, style sheets and forms, and nothing else."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
DEFAULT_PORTS = {"http": 80, "https": 443}
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")

FOREIGN = "requests of other web pages change nothing here"
UNKNOWN = (
    "what changes something must come from this site: send Sec-Fetch-Site: same-origin, or an "
    "Origin that equals Host"
)


def origin_fault(method: str, headers: Mapping[str, str]) -> str | None:
    """Return why a request may come from another web page; None if it does not, or is harmless.

    Args:
        method: GET and the like.
        headers: of the request; names in any case.
    """
    if method in SAFE_METHODS:
        return None
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return None if site == "same-origin" else FOREIGN
    if origin is None:
        return UNKNOWN
    return None if _is_same(origin, headers.get("host", "")) else FOREIGN


def host_fault(host: str, allowed: Collection[str]) -> str | None:
    """Return what is wrong with the Host of a request; None if it is one of *allowed*.

    Without a check, a page of another site, whose name is made to mean this machine, could read
    everything.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        name = ""
    return None if name in allowed else f"this is not {name[:100]!r}; see allowed_hosts"


def _is_same(origin: str, host: str) -> bool:
    try:
        from_, here = urlsplit(origin), urlsplit(f"//{host}")
        default = DEFAULT_PORTS.get(from_.scheme)
        theirs, ours = from_.port or default, here.port or default
    except ValueError:
        return False
    is_page = default is not None and bool(from_.hostname)
    return is_page and (from_.hostname, theirs) == (here.hostname, ours)
