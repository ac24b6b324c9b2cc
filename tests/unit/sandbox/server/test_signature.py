"""The signature vectors and the time rule of bybit-v5 2.1 are golden."""

import pytest

from tradectl.matching.records import Refused
from tradectl.sandbox.config import SandboxAccount
from tradectl.sandbox.server.key_ring import KeyRing
from tradectl.sandbox.server.signature import check_time, parse_milliseconds, parse_window, signature

KEY = "aB3dE5fG7hJ9kL1mN2"
SECRET = "pQ4rS6tU8vW0xY2zA4bC6dE8fG0hJ2kL4mN6"
NOW = 1767225600000
QUERY = b"category=linear&limit=20&symbol=BTCUSDT"
BODY = (
    b'{"category":"linear","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.010","price":"64000.0",'
    b'"timeInForce":"PostOnly","orderLinkId":"mm-000001"}'
)
VECTORS = [
    (QUERY, "4bb3ebf414246b5b6d9075aa7f22d20ae73de41bb25c8c8eecac689a1b755886"),
    (b"", "dbcf17c5b5b6adc21fd896c1a89e42d6dc62298735a04330851b7d46b5e21529"),
    (BODY, "4fdc26887453fad859b27430f20c51689bf07154f19159ac50607aa62e57e0f1"),
]
WS_VECTOR = "db9fb401e5a4e00f2daf67216feb063d214a8b5567054935de234e6149ffc4aa"


@pytest.fixture
def keys() -> KeyRing:
    return KeyRing([SandboxAccount(KEY, SECRET, "1"), SandboxAccount("bound", SECRET, "2", ips=("10.0.0.1",))])


def headers(sign: str, **changes: str) -> dict[str, str]:
    base = {"x-bapi-api-key": KEY, "x-bapi-timestamp": str(NOW), "x-bapi-recv-window": "5000", "x-bapi-sign": sign}
    return base | {f"x-bapi-{name.replace('_', '-')}": value for name, value in changes.items()}


@pytest.mark.parametrize(("text", "sign"), VECTORS)
def test_rest_vectors(keys: KeyRing, text: bytes, sign: str) -> None:
    assert signature(SECRET, f"{NOW}{KEY}5000".encode() + text) == sign
    assert keys.rest(headers(sign), text, NOW, "127.0.0.1").uid == "1"


@pytest.mark.parametrize("expires", [1767225605000, "1767225605000"])
def test_websocket_vector(keys: KeyRing, expires: object) -> None:
    assert keys.websocket([KEY, expires, WS_VECTOR], NOW, "127.0.0.1").uid == "1"


def refused(keys: KeyRing, head: dict[str, str], text: bytes = QUERY, peer: str = "127.0.0.1") -> Refused:
    with pytest.raises(Refused) as caught:
        keys.rest(head, text, NOW, peer)
    return caught.value


def test_rest_refusals(keys: KeyRing) -> None:
    good = VECTORS[0][1]
    empty = refused(keys, headers(good, api_key=""))
    assert (empty.code, "openapi sign params error!" in empty.message) == (10001, True)
    assert refused(keys, headers(good, api_key="nobody")).code == 10003
    assert refused(keys, headers("00" * 32)).code == 10004
    assert refused(keys, headers(good), QUERY + b"&x=1").code == 10004
    assert refused(keys, headers(good, timestamp="soon")).code == 10001
    assert refused(keys, headers(good, recv_window="-5")).code == 10001
    assert refused(keys, headers(good, api_key="bound")).code == 10010


@pytest.mark.parametrize("expires", [NOW, NOW - 1, True, None, "x"])
def test_websocket_expiry_lies_in_the_future(keys: KeyRing, expires: object) -> None:
    with pytest.raises(Refused) as caught:
        keys.websocket([KEY, expires, signature(SECRET, f"GET/realtime{expires}".encode())], NOW, "127.0.0.1")
    assert caught.value.code == 10001


@pytest.mark.parametrize(("lead", "window", "fine"), [
    (0, 5000, True), (-5000, 5000, True), (-5001, 5000, False), (999, 5000, True), (1000, 5000, False),
    (1000, 60000, False), (-20000, 20000, True),
])  # fmt: skip
def test_time_rule(lead: int, window: int, fine: bool) -> None:
    if fine:
        check_time(NOW + lead, window, NOW)
        return
    with pytest.raises(Refused, match="recv_window") as caught:
        check_time(NOW + lead, window, NOW)
    assert caught.value.code == 10002


def test_numbers_arrive_in_both_forms() -> None:
    assert parse_milliseconds("123") == parse_milliseconds(123) == 123
    assert [parse_milliseconds(value) for value in ("-1", -1, 1.5, True, "", "１２", [])] == [None] * 7
    assert (parse_window(None), parse_window(""), parse_window("20000"), parse_window(7)) == (5000, 5000, 20000, 7)
