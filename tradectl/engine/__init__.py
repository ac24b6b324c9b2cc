"""The deterministic core: events in, commands out. No I/O, no clock, no randomness, no asyncio."""
