"""The environment without secrets: what a strategy, or anything else that is loaded later, can read of it."""

import re
from collections.abc import MutableMapping

from tradectl.daemon.children import SECRET_NAMES

_SECRET = re.compile(r"(^|_)(KEY|SECRET|TOKEN|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL)S?($|_)", re.IGNORECASE)
#: A URL with a password in it, and any other variable that is called by what it is.
_DATABASE = "TRADECTL_STORE_DATABASE"


def scrub(environment: MutableMapping[str, str]) -> tuple[str, ...]:
    """Remove every secret in place, after the settings were read; returns the names that are gone."""
    gone = tuple(n for n in environment if n in SECRET_NAMES or n == _DATABASE or _SECRET.search(n))
    for name in gone:
        del environment[name]
    return gone
