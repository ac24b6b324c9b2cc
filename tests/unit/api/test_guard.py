"""The door: token, limits, headers, paths that are not there, and errors of our own."""

from typing import Any

import pytest

from tradectl.api.config import ApiConfig
from tradectl.api.limits import AddressBuckets, TokenBucket

PATHS = ["/api/portfolio", "/api/trades", "/api/orders", "/api/orders/x", "/api/market-data"]


@pytest.mark.parametrize("path", PATHS)
async def test_missing_and_wrong_tokens_are_401(rig: Any, path: str) -> None:
    del rig.http.headers["Authorization"]
    missing = await rig.http.get(path)
    wrong = await rig.http.get(path, headers={"Authorization": f"Bearer {'u' * 43}"})
    for answer, reason in ((missing, "Missing bearer token"), (wrong, "Wrong bearer token")):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="tradectl"'
        assert answer.json()["error"]["code"] == "UNAUTHORIZED"
        assert answer.json()["error"]["details"] == {"field": "Authorization", "reason": reason}


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic dDp0", "bearer\t", "Bearer " + "t" * 600, "t" * 43])
async def test_malformed_authorization_is_401(rig: Any, header: str) -> None:
    assert (await rig.http.get("/api/portfolio", headers={"Authorization": header})).status_code == 401


async def test_two_authorization_headers_are_refused(rig: Any) -> None:
    right = rig.http.headers.pop("Authorization")
    headers = [("Authorization", right), ("Authorization", right)]
    assert (await rig.http.get("/api/portfolio", headers=headers)).status_code == 401


async def test_commands_need_the_token_too(rig: Any) -> None:
    del rig.http.headers["Authorization"]
    assert (await rig.http.post("/api/orders", content=b"{}")).status_code == 401
    assert (await rig.http.delete("/api/orders/venue-1")).status_code == 401
    assert rig.daemon.calls == []


async def test_every_answer_carries_the_security_headers(rig: Any) -> None:
    answers = [
        await rig.http.get("/api/portfolio"),
        await rig.http.get("/nowhere"),
        await rig.http.get("/api/portfolio", headers={"Authorization": "Bearer x"}),
        await rig.http.post("/api/orders", content=b"{}", headers={"Origin": "http://evil.example"}),
    ]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["content-type"] == "application/json"
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_unknown_paths_and_methods(rig: Any) -> None:
    missing = await rig.http.get("/api/nothing")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "NOT_FOUND")
    wrong = await rig.http.put("/api/orders", content=b"{}")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "UNKNOWN_METHOD")
    assert set(wrong.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}
    assert (await rig.http.head("/api/portfolio")).status_code == 200


async def test_an_error_of_ours_is_500_without_its_text(rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("tradectl.api.shapes.Balance.of", fail)
    answer = await rig.http.get("/api/portfolio")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "INTERNAL"
    assert "secret detail" not in answer.text


class TestLimits:
    @pytest.fixture
    def api_config(self) -> ApiConfig:
        return ApiConfig(
            reads_per_second=0.001, read_burst=100, commands_per_second=0.001, command_burst=2,
            refused_per_second=0.001, refused_burst=3,
        )  # fmt: skip

    async def test_commands_are_limited_apart_from_reads(self, rig: Any) -> None:
        statuses = [(await rig.http.delete("/api/orders/venue-1")).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert len(rig.daemon.calls) == 2
        assert (await rig.http.get("/api/portfolio")).status_code == 200

    async def test_reads_are_limited(self, rig: Any) -> None:
        statuses = [(await rig.http.get("/api/portfolio")).status_code for _ in range(120)]
        assert statuses[-1] == 429
        answer = await rig.http.get("/api/portfolio")
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["error"]["code"] == "TOO_MANY_REQUESTS"

    async def test_guessing_is_limited_and_the_holder_goes_on(self, rig: Any) -> None:
        wrong = {"Authorization": "Bearer guess"}
        statuses = [(await rig.http.get("/api/orders", headers=wrong)).status_code for _ in range(5)]
        assert statuses == [401, 401, 401, 429, 429]
        assert (await rig.http.get("/api/orders")).status_code == 200


def test_a_bucket_lets_its_rate_through() -> None:
    bucket = TokenBucket(rate=10, burst=5, now=0.0)
    passed = [now for now in range(1000) if bucket.take(now / 100) == 0]
    assert len(passed) == 5 + 99  # the burst, then ten a second over 9.99 seconds
    assert bucket.take(9.99) == pytest.approx(0.1, abs=0.1)


def test_addresses_are_forgotten_oldest_first() -> None:
    buckets = AddressBuckets(rate=0.001, burst=1, limit=2)
    assert buckets.take("a", 0) == 0
    assert buckets.take("a", 0) > 0
    assert buckets.take("b", 0) == 0
    assert buckets.take("c", 0) == 0
    assert buckets.take("a", 0) == 0  # forgotten, so it begins anew
