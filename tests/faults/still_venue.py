"""What must hold whenever daemon and venue have come to rest: the same orders, the same positions, stops for them.

The venue is asked directly; only whose an order is, is taken from the daemon.
"""

import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tests.sandbox.daemon_process import DaemonProcess
from tests.sandbox.venue_client import VenueClient
from tradectl.rpc.client import RpcError, call

SYMBOL = "BTCUSDT"
STOP_KINDS = ("StopLoss", "PartialStopLoss")


def venue_orders(venue: VenueClient) -> list[dict[str, Any]]:
    """Every open order, conditional ones too."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = venue.get("/v5/order/realtime", category="linear", symbol=SYMBOL, limit=50, cursor=cursor)
        found += page["list"]
        cursor = page["nextPageCursor"]
        if not cursor or not page["list"]:
            return found


def venue_position(venue: VenueClient) -> Decimal:
    """The signed size of the one position."""
    row = venue.get("/v5/position/list", category="linear", symbol=SYMBOL)["list"][0]
    return Decimal(row["size"] or "0") * (-1 if row["side"] == "Sell" else 1)


def refused_orders(venue: VenueClient) -> dict[str, int]:
    """Orders, amendments and cancels answered 10006, by allowance; reads aside, for the tests read too."""
    refused: dict[str, int] = venue.allowances()["refused"]
    return {bucket: n for bucket, n in refused.items() if bucket.startswith(("order/c", "order/a", "position/t"))}


def is_stop_loss(row: dict[str, Any]) -> bool:
    """Whether an open order of the venue closes at a loss: the venue's own, or a conditional one that waits for a price
    against the position."""
    if row["stopOrderType"] in STOP_KINDS:
        return True
    against = 2 if row["side"] == "Sell" else 1
    return bool(row["stopOrderType"] == "Stop" and row["reduceOnly"] and row["triggerDirection"] == against)


def problems(daemon: DaemonProcess, guarded: Sequence[str]) -> list[str]:
    """What is wrong now; to be asked until it comes to rest."""
    try:
        socket, venue = daemon.paths.daemon_socket, daemon.venue()
        state = call(socket, "status")["state"]
        theirs = {row["orderId"]: row for row in venue_orders(venue)}
        ours = {row["order_id"]: row for row in call(socket, "orders.list")["orders"]}
        net = venue_position(venue)
        books = call(socket, "positions.list", {"books": True})["positions"]
    except (OSError, RpcError) as error:
        return [f"no answer: {error!r}"]
    if state != "RUNNING":
        return [f"the state is {state}"]
    found = [f"orphan at the venue: {words(theirs[i])}" for i in theirs.keys() - ours.keys()]
    found += [f"unknown to the venue: {ours[i]}" for i in ours.keys() - theirs.keys()]
    sizes = {row["strategy"]: Decimal(row["size"]) for row in books if row["symbol"] == SYMBOL}
    if sum(sizes.values()) != net:
        found.append(f"books {sizes} do not add up to the venue's {net}")
    shared = sorted(theirs.keys() & ours.keys())
    found += [f"{words(theirs[i])} is here {ours[i]}" for i in shared if not is_same(theirs[i], ours[i])]
    for name in guarded:
        stops = [theirs[i] for i in shared if ours[i]["strategy"] == name and is_stop_loss(theirs[i])]
        found += uncovered(name, sizes.get(name, Decimal(0)), net, stops)
    return found


def uncovered(name: str, size: Decimal, net: Decimal, stops: list[dict[str, Any]]) -> list[str]:
    """What a book lacks: its stops are on the right side and close all of it that the venue holds, and no more than it
    has. Other books may hold against it, then the venue holds less."""
    sign = 1 if size > 0 else -1
    wanted = min(abs(size), max(net * sign, Decimal(0)))
    wrong = [s for s in stops if not size or (s["side"] == "Sell") is not (size > 0)]
    total = sum((Decimal(s["leavesQty"]) for s in stops), Decimal(0))
    found = [f"{name} holds {size} and has a stop on the wrong side: {words(s)}" for s in wrong]
    if wanted <= total <= abs(size):
        return found
    return [*found, f"{name} holds {size} of {net}, its stops close {total}: {[words(s) for s in stops]}"]


def is_same(theirs: dict[str, Any], ours: dict[str, Any]) -> bool:
    """Whether size, price and trigger of an order are the same at both ends."""
    pairs = (("qty", "qty"), ("price", "price"), ("triggerPrice", "trigger_price"), ("cumExecQty", "filled"))
    return all(Decimal(theirs[one] or "0") == Decimal(ours[other] or "0") for one, other in pairs)


def words(row: dict[str, Any]) -> str:
    """An open order of the venue, short."""
    kind = row["stopOrderType"] or row["orderType"]
    return f"{kind} {row['side']} {row['leavesQty']} at {row['triggerPrice'] or row['price']} {row['orderLinkId']}"


def come_to_rest(daemon: DaemonProcess, guarded: Sequence[str], seconds: float = 15.0) -> bool:
    """Wait until nothing is wrong any more; false when the daemon died meanwhile. The market must stand."""
    deadline = time.monotonic() + seconds
    while True:
        found = problems(daemon, guarded)
        assert daemon.process is not None
        if daemon.process.poll() is not None:
            return False
        if not found:
            return True
        if time.monotonic() > deadline:
            raise AssertionError("\n".join(["not at rest:", *found, daemon.output()[-2000:]]))
        time.sleep(0.05)
