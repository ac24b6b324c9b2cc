"""The REST gateway: a process of its own, an ordinary client of the daemon's and the store's sockets."""
