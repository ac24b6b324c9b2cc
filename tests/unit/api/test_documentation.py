"""docs/rest-api.md and the code say the same: endpoints, fields, codes, settings and the examples' keys."""

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import fields

from tradectl.api import shapes
from tradectl.api.app import routes
from tradectl.api.config import ApiConfig
from tradectl.api.endpoints import Endpoints
from tradectl.api.order_request import READERS, parse_order
from tradectl.model.errors import MEANINGS, ErrorCode
from tradectl.model.orders import OrderStatus

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "rest-api.md").read_text(encoding="utf-8")


class AnyHandlers:
    """Stands in for the endpoints where only their routes are asked for."""

    def __getattr__(self, name: str) -> Any:
        async def handle() -> None:
            raise AssertionError(name)

        return handle


def documented() -> set[str]:
    return set(re.findall(r"^### ([A-Z]+ /\S+)$", TEXT, re.MULTILINE))


def section(heading: str) -> str:
    return TEXT.split(f"### {heading}\n", 1)[1].split("\n### ", 1)[0]


def example(heading: str, number: int = 0) -> Any:
    return json.loads(re.findall(r"```json\n(.*?)```", section(heading), re.DOTALL)[number])


def test_every_endpoint_is_documented_and_no_other() -> None:
    found = {
        f"{method} {route.path}"
        for route in routes(cast(Endpoints, AnyHandlers()))
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert found == documented()


def test_every_code_is_documented_with_its_status() -> None:
    rows = re.findall(r"^\| (\d{3}) \|([^|]*)\|", TEXT, re.MULTILINE)
    listed = {(int(status), code) for status, codes in rows for code in re.findall(r"`(\w+)`", codes)}
    assert {(MEANINGS[code].status, code.value) for code in ErrorCode} <= listed


def test_every_order_field_is_documented() -> None:
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]*) \|", section("POST /api/orders"), re.M))))
    assert named == set(READERS)


def test_the_documented_order_is_valid() -> None:
    assert parse_order(json.dumps(example("POST /api/orders")).encode()).symbol == "BTCUSDT"


def test_every_status_of_an_order_is_documented() -> None:
    text = section("GET /api/orders")
    assert all(re.search(rf"[`\s]{status.value}[`\s]", text) for status in OrderStatus)


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        (shapes.PortfolioAnswer, example("GET /api/portfolio")),
        (shapes.Balance, example("GET /api/portfolio")["balances"]["BTC"]),
        (shapes.Position, example("GET /api/portfolio")["positions"][0]),
        (shapes.TradesAnswer, example("GET /api/trades")),
        (shapes.Trade, example("GET /api/trades")["trades"][0]),
        (shapes.OrdersAnswer, example("GET /api/orders")),
        (shapes.Order, example("GET /api/orders")["orders"][0]),
        (shapes.PlacedAnswer, example("POST /api/orders", 1)),
        (shapes.CancelledAnswer, example("DELETE /api/orders/{id}")),
        (shapes.MarketDataAnswer, example("GET /api/market-data")),
        (shapes.MarketData, example("GET /api/market-data")["market_data"][0]),
        (shapes.HealthDetails, example("GET /api/health")),
        (shapes.LinkHealth, example("GET /api/health")["daemon"]),
    ],
)
def test_examples_have_exactly_the_keys_of_the_answers(shape: Any, found: dict[str, Any]) -> None:
    assert list(found) == [field.encode_name for field in fields(shape)]


def test_every_limit_is_documented() -> None:
    named = set(re.findall(r"`api\.(\w+)`", TEXT))
    limits = {name for name in ApiConfig.__struct_fields__ if name.endswith(("_second", "_burst", "_limit"))}
    assert limits <= named <= set(ApiConfig.__struct_fields__)
