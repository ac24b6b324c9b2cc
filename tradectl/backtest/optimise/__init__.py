"""The search over parameters, and how far its winner may be believed: trials counted, Sharpe deflated, windows kept."""
