"""A venue in process: the engine's commands in, its events out, over the matching engine; for backtest and paper."""
