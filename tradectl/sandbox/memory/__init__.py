"""What the sandbox remembers across a kill: accounts, orders, executions, ledger, market position and clock."""
