"""The matching engine and the accounts behind it: pure, deterministic, the same in sandbox, paper and backtest."""
