"""What the README shows is true: its strategy loads, its links lead somewhere, its pages exist."""

import re
from pathlib import Path

import pytest

from tradectl.strategies.loader import load_file

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def code_block(heading: str) -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {heading}\n.*?^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found, f"README has no code block under ## {heading}"
    return found.group(1)


def test_the_readmes_strategy_loads(tmp_path: Path) -> None:
    path = tmp_path / "my_cross.py"
    path.write_text(code_block("Writing a strategy"), encoding="utf-8")
    parameters = load_file(path).parameters()
    assert {"symbol", "interval", "fast", "slow"} <= set(parameters)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_everything_that_can_be_traded_with_is_documented() -> None:
    """Algorithms with their parameters, indicators, strategies, allocation policies: docs/trading.md names each."""
    from typing import get_args

    from tradectl.engine.allocation.policy import PolicyName
    from tradectl.engine.execution_algorithms.kinds import KINDS
    from tradectl.engine.parameters import declared
    from tradectl.engine.series_indicators import SeriesIndicators
    from tradectl.strategies.loader import BUILT_IN

    text = (ROOT / "docs" / "trading.md").read_text(encoding="utf-8")
    words = set(re.findall(r"[a-z_0-9]+", text))
    indicators = {name for name in vars(SeriesIndicators) if not name.startswith("_")}
    parameters = {name for kind in KINDS.values() for name in declared(kind)}
    for wanted in (set(KINDS), parameters, indicators, set(BUILT_IN), set(get_args(PolicyName)) - {"fixed"}):
        assert wanted <= words, sorted(wanted - words)
