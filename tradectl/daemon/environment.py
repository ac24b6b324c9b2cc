"""The environment without secrets: what a strategy, or anything else that is loaded later, can read of it."""

import re
from collections.abc import Mapping, MutableMapping

from tradectl.daemon.children import SECRET_NAMES

_SECRET = re.compile(r"(^|_)(KEY|SECRET|TOKEN|CREDENTIAL)S?($|_)|PASSW|PASSPHRASE", re.IGNORECASE)
#: A URL with a password in it, and any other variable that is called by what it is.
_DATABASE = "TRADECTL_STORE_DATABASE"


def scrub(environment: MutableMapping[str, str]) -> dict[str, str]:
    """Remove every secret in place, after the settings were read; returns what is gone."""
    gone = [n for n in environment if n in SECRET_NAMES or n == _DATABASE or _SECRET.search(n)]
    return {name: environment.pop(name) for name in gone}


def of_database(removed: Mapping[str, str]) -> dict[str, str]:
    """What of it the store needs: libpq reads its password from the environment."""
    return {name: value for name, value in removed.items() if name.startswith("PG")}
