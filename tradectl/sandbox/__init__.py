"""A Bybit v5 server of our own: REST and WebSocket over the matching engine, with generated or replayed markets."""
