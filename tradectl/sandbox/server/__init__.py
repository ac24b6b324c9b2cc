"""The wire side of the sandbox: one port that speaks Bybit v5 over HTTP and WebSocket."""
