"""What an operator sees: logs now; metrics, alerts and the audit chain come later."""
