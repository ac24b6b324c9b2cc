"""The first tables: orders, executions, positions, balances, equity, decisions, alerts and changes of state."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

#: Amounts, exact to the last digit.
EXACT = sa.Text().with_variant(sa.Numeric(), "postgresql")
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    _alerts()
    _balances()
    _decisions()
    _equity()
    _executions()
    _orders()
    _positions()
    _projection()
    _state_changes()
    _strategy_changes()


def downgrade() -> None:
    op.drop_table("strategy_changes")
    op.drop_table("state_changes")
    op.drop_table("projection")
    op.drop_table("positions")
    op.drop_table("orders")
    op.drop_table("executions")
    op.drop_table("equity")
    op.drop_table("decisions")
    op.drop_table("balances")
    op.drop_table("alerts")


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("remedy", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("run", "seq", "n"),
    )
    op.create_index("ix_alerts_at", "alerts", ["at"])


def _balances() -> None:
    op.create_table(
        "balances",
        sa.Column("coin", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("wallet", EXACT, nullable=False),
        sa.PrimaryKeyConstraint("coin"),
    )


def _decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.BigInteger(), nullable=False),
        sa.Column("strategy", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=True),
        sa.Column("qty", EXACT, nullable=False),
        sa.Column("price", EXACT, nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("checks", DOCUMENT, nullable=False),
        sa.Column("orders", DOCUMENT, nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("run", "id"),
    )
    op.create_index("ix_decisions_at", "decisions", ["at", "run", "id"])
    op.create_index("ix_decisions_strategy", "decisions", ["strategy", "at"])


def _equity() -> None:
    op.create_table(
        "equity",
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("strategy", sa.String(), nullable=False),
        sa.Column("equity", EXACT, nullable=False),
        sa.Column("cash", EXACT, nullable=False),
        sa.Column("unrealised", EXACT, nullable=False),
        sa.PrimaryKeyConstraint("run", "seq", "n"),
    )
    op.create_index("ix_equity_strategy", "equity", ["strategy", "at", "run", "seq", "n"])


def _executions() -> None:
    op.create_table(
        "executions",
        sa.Column("exec_id", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("strategy", sa.String(), nullable=False),
        sa.Column("decision", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("link_id", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("price", EXACT, nullable=False),
        sa.Column("qty", EXACT, nullable=False),
        sa.Column("value", EXACT, nullable=False),
        sa.Column("fee", EXACT, nullable=False),
        sa.Column("fee_coin", sa.String(), nullable=False),
        sa.Column("fee_rate", EXACT, nullable=False),
        sa.Column("is_maker", sa.Boolean(), nullable=False),
        sa.Column("closed_qty", EXACT, nullable=False),
        sa.Column("pnl", EXACT, nullable=True),
        sa.Column("realised", EXACT, nullable=False),
        sa.Column("position", EXACT, nullable=False),
        sa.PrimaryKeyConstraint("exec_id"),
    )
    op.create_index("ix_executions_link_id", "executions", ["link_id"])
    op.create_index("ix_executions_strategy", "executions", ["strategy", "ts"])
    op.create_index("ix_executions_ts", "executions", ["ts", "exec_id"])


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("link_id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("strategy", sa.String(), nullable=False),
        sa.Column("decision", sa.BigInteger(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("time_in_force", sa.String(), nullable=False),
        sa.Column("qty", EXACT, nullable=False),
        sa.Column("price", EXACT, nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("filled", EXACT, nullable=False),
        sa.Column("avg_price", EXACT, nullable=True),
        sa.Column("reduce_only", sa.Boolean(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("fees", EXACT, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_orders_at", "orders", ["at", "key"])
    op.create_index("ix_orders_order_id", "orders", ["order_id"])


def _positions() -> None:
    op.create_table(
        "positions",
        sa.Column("strategy", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("size", EXACT, nullable=False),
        sa.Column("cost", EXACT, nullable=False),
        sa.Column("realised", EXACT, nullable=False),
        sa.Column("fees", EXACT, nullable=False),
        sa.Column("funding", EXACT, nullable=False),
        sa.Column("mark", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("strategy", "category", "symbol"),
    )


def _projection() -> None:
    op.create_table(
        "projection",
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run"),
    )


def _state_changes() -> None:
    op.create_table(
        "state_changes",
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reasons", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("run", "seq", "n"),
    )


def _strategy_changes() -> None:
    op.create_table(
        "strategy_changes",
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run", "seq", "n"),
    )
