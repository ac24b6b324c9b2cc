"""Triggers, attached stops, arrival prices, inputs of decisions, hedge legs; algorithms, ledger and changes."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

EXACT = sa.Text().with_variant(sa.Numeric(), "postgresql")
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_POSITION_COLUMNS = "strategy, category, symbol, run, seq, at, size, cost, realised, fees, funding, mark"


def upgrade() -> None:
    for table, columns in _added().items():
        with op.batch_alter_table(table) as batch:
            for column in columns:
                batch.add_column(column)
    _positions(leg=True)
    _algorithms()
    _ledger()
    _changes()


def downgrade() -> None:
    for table in ("changes", "ledger", "algorithms"):
        op.drop_table(table)
    op.execute("DELETE FROM positions WHERE position_idx <> 0")
    _positions(leg=False)
    for table, columns in _added().items():
        with op.batch_alter_table(table) as batch:
            for column in columns:
                batch.drop_column(column.name)


def _added() -> dict[str, list[sa.Column[Any]]]:
    """New columns by table; what older rows never stated is empty."""
    return {
        "orders": [
            sa.Column("trigger_price", EXACT, nullable=True),
            sa.Column("trigger_by", sa.String(), nullable=True),
            sa.Column("trigger_rises", sa.Boolean(), nullable=True),
            sa.Column("take_profit", EXACT, nullable=True),
            sa.Column("stop_loss", EXACT, nullable=True),
            _text("parent"),
            _text("stop_type"),
            _count("algorithm", sa.BigInteger()),
            _count("position_idx", sa.Integer()),
        ],
        "executions": [sa.Column("arrival", EXACT, nullable=True), _text("stop_order_type"), _text("create_type")],
        "decisions": [
            _text("event"),
            sa.Column("inputs", DOCUMENT, nullable=False, server_default="[]"),
            _count("algorithm", sa.BigInteger()),
        ],
    }


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), nullable=False, server_default="")


def _count(name: str, kind: sa.types.TypeEngine[int]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, server_default="0")


def _positions(leg: bool) -> None:
    """A primary key cannot be changed in place on SQLite: a new table takes the rows and the name."""
    _position_table("positions_new", leg)
    written, read = (
        (f"{_POSITION_COLUMNS}, position_idx", f"{_POSITION_COLUMNS}, 0") if leg else (_POSITION_COLUMNS,) * 2
    )
    op.execute(f"INSERT INTO positions_new ({written}) SELECT {read} FROM positions")
    op.drop_table("positions")
    op.rename_table("positions_new", "positions")


def _position_table(name: str, leg: bool) -> None:
    key = ["strategy", "category", "symbol", *(["position_idx"] if leg else [])]
    op.create_table(
        name,
        sa.Column("strategy", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        *([sa.Column("position_idx", sa.Integer(), nullable=False)] if leg else []),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("size", EXACT, nullable=False),
        sa.Column("cost", EXACT, nullable=False),
        sa.Column("realised", EXACT, nullable=False),
        sa.Column("fees", EXACT, nullable=False),
        sa.Column("funding", EXACT, nullable=False),
        sa.Column("mark", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint(*key, name=f"positions_by_{'leg' if leg else 'symbol'}"),
    )


def _algorithms() -> None:
    op.create_table(
        "algorithms",
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("strategy", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=True),
        sa.Column("qty", EXACT, nullable=False),
        sa.Column("filled", EXACT, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("parameters", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("run", "id"),
    )
    op.create_index("ix_algorithms_at", "algorithms", ["at", "run", "id"])


def _ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("coin", sa.String(), nullable=False),
        sa.Column("change", EXACT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_ledger_ts", "ledger", ["ts", "id"])


def _changes() -> None:
    op.create_table(
        "changes",
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("content", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("run", "seq", "n"),
    )
    op.create_index("ix_changes_at", "changes", ["at", "run", "seq", "n"])
