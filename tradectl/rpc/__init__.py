"""JSON-RPC 2.0 on Unix sockets: the typed methods of daemon and store, their server and their clients."""
