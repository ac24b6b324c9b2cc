"""The market of the sandbox: where prices come from, and how they are published."""
