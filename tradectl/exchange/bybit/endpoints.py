"""Where each environment and site answers (bybit-v5 1)."""

import ssl
import urllib.request
from urllib.parse import urlsplit

from msgspec import Struct

from tradectl.exchange.bybit.config import BybitConfig, Environment, Site
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.instruments import Category

_DOMAINS = {
    Site.BYBIT: "bybit.com",
    Site.BYTICK: "bytick.com",
    Site.NL: "bybit.nl",
    Site.TR: "bybit.tr",
    Site.KZ: "bybit.kz",
    Site.GEORGIA: "bybitgeorgia.ge",
    Site.AE: "bybit.ae",
    Site.EU: "bybit.eu",
    Site.ID: "bybit.id",
    Site.MANEPA: "manepa.jp",
}
#: Sites whose testnet has a host of its own.
_TESTNET_SITES = frozenset({Site.BYBIT, Site.MANEPA})


class Endpoints(Struct, frozen=True):
    """Base URLs without a trailing slash; ``public`` serves market streams, which demo takes from mainnet."""

    rest: str
    public: str
    private: str

    def public_url(self, category: Category) -> str:
        return f"{self.public}/v5/public/{category.value}"

    @property
    def private_url(self) -> str:
        return f"{self.private}/v5/private"

    @property
    def trade_url(self) -> str:
        return f"{self.private}/v5/trade"


def endpoints_of(config: BybitConfig) -> Endpoints:
    """The hosts for ``config``. Raises ``Problem`` when the environment does not exist on the site."""
    if config.rest_base:
        streams = (config.ws_base or "ws" + config.rest_base.removeprefix("http")).rstrip("/")
        return Endpoints(config.rest_base.rstrip("/"), streams, streams)
    domain = _DOMAINS[config.site]
    # bytick is documented for REST alone; its streams are mainnet's (bybit-v5 1).
    streams = "bybit.com" if config.site is Site.BYTICK else domain
    if config.environment is Environment.SANDBOX:
        raise _problem("rest_base", "a sandbox needs the address it listens on", "Start it, or set exchange.rest_base.")
    if config.environment is Environment.MAINNET:
        return Endpoints(f"https://api.{domain}", f"wss://stream.{streams}", f"wss://stream.{streams}")
    if config.environment is Environment.DEMO:
        return Endpoints(f"https://api-demo.{streams}", f"wss://stream.{streams}", f"wss://stream-demo.{streams}")
    if config.site not in _TESTNET_SITES:
        raise _problem("site", f"site {config.site.value} has no testnet", "Use site bybit for testnet.")
    return Endpoints(
        f"https://api-testnet.{domain}", f"wss://stream-testnet.{domain}", f"wss://stream-testnet.{domain}"
    )


def _problem(field: str, message: str, remedy: str) -> Problem:
    return Problem(ErrorCode.INVALID_SETTING, message, field=f"exchange.{field}", remedy=remedy)


def proxy_for(config: BybitConfig, url: str) -> str:
    """The proxy for ``url``: the configured one, else ``HTTPS_PROXY`` for TLS hosts not in ``NO_PROXY``."""
    if config.proxy:
        return config.proxy
    parts = urlsplit(url)
    if config.environment is Environment.SANDBOX or parts.scheme not in ("https", "wss"):
        return ""
    host = parts.hostname or ""
    return "" if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get("https", "")


def tls_context(config: BybitConfig) -> ssl.SSLContext | None:
    """A TLS context that trusts the extra authority, or ``None`` for the library's default."""
    return ssl.create_default_context(cafile=config.ca_file) if config.ca_file else None
