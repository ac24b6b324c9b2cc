"""One REST call after authentication, and the table entry that says how it is served."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from tradectl.sandbox.config import SandboxAccount
from tradectl.sandbox.server.envelope import Reply
from tradectl.sandbox.server.floor import Floor


class Call(Struct):
    """``params`` are the query's texts of a GET, the JSON object of a POST."""

    floor: Floor
    account: SandboxAccount
    params: dict[str, Any]

    @property
    def uid(self) -> str:
        return self.account.uid

    def venue_ms(self) -> int:
        """Venue time in milliseconds: what history windows are relative to."""
        return self.floor.venue.now() // 1_000_000


class Route(Struct, frozen=True):
    """``endpoint`` names the rate window; ``writes`` needs a key that may trade. Handlers raise ``Refused``."""

    handler: Callable[[Call], Reply]
    endpoint: str
    writes: bool = False
