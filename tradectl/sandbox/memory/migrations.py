"""From the schema of an older sandbox to today's, step by step; the rows' bodies read themselves by their defaults."""

#: By the version they begin from: statements that lead to the next one, carried out in one transaction.
MIGRATIONS: dict[int, tuple[str, ...]] = {
    # 1 knew neither conditional orders nor hedge legs: every order was a plain one, every position of leg 0.
    1: (
        "ALTER TABLE orders ADD COLUMN kind TEXT",
        "UPDATE orders SET kind = 'Order'",
        "UPDATE named SET name = name || '/0' WHERE name LIKE 'open_fees/%'",
    ),
}
