"""How well it went: returns, ratios, drawdowns, round trips, lots, profit by period. Pure: records in, numbers out."""
