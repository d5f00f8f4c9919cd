"""The demo: indexes Python's standard library, one job a source file; it must never make up a figure."""
