"""Column types: amounts exact to the last digit on every database."""

from decimal import Decimal

from sqlalchemy import JSON, BigInteger, Dialect, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

#: Nanoseconds UTC, sequences and other counts.
Nanoseconds = BigInteger
JSON_DOCUMENT = JSON().with_variant(JSONB(), "postgresql")


class Exact(TypeDecorator[Decimal]):
    """A Decimal: NUMERIC without bounds on PostgreSQL, plain decimal text on SQLite, whose NUMERIC is a float."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Decimal] | TypeEngine[str]:
        return Numeric() if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | str | None:
        if value is None or dialect.name == "postgresql":
            return value
        return format(value, "f")

    def process_result_value(self, value: Decimal | str | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)
