"""Runs of strategies that declare their signals as arrays: compiled, and equal to the event-driven run fill by fill."""
