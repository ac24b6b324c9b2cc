"""The composition root: builds the parts, runs the loop, schedules, supervises."""
