"""The command line: one file per noun, which only draws and calls the daemon's typed methods."""
