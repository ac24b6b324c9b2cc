"""``portfolio``: balances, positions and profit of the account."""

import typer

from tradectl.cli.command import noun, read

app = noun("Balances, positions and profit of the account.")


@app.callback()
def group() -> None:
    """Balances, positions and profit of the account."""


@app.command()
def show(ctx: typer.Context) -> None:
    """Show balances, positions and each strategy's book."""
    read(ctx, ("portfolio", "show"), {})
