"""A kept review of an account as a file: the page, the trades as CSV, or all of it as JSON."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradectl.backtest.review.review import Review
    from tradectl.backtest.runs import Catalogue


def review_of_run(kept: "Catalogue", id: str) -> "Review":
    """The review of a run. Raises ``Problem`` when it has none or it is damaged."""
    from tradectl.backtest.review.review import FILE, decode

    return decode(kept.file(id, FILE, unpack=True))


def written(review: "Review", format: str, hidden: bool) -> str:
    """The text of the file. ``hidden`` leaves out all amounts (not of JSON). Raises ``Problem`` where it cannot."""
    if format == "html":
        from tradectl.backtest.review.page import page

        return page(review, hidden)
    if format == "csv":
        from tradectl.backtest.review.figures import capital
        from tradectl.backtest.tables import as_csv, trips_table

        return as_csv(trips_table(review.trips(), capital(review), hidden))
    from tradectl.backtest.report.document import encode, plain

    return encode(plain(review)).decode()
