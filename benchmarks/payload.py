"""The body every system carries; it must never differ between them."""

BODY_TEXT = "pgqueue benchmark ".ljust(100, "x")
"""About 100 bytes, plain ASCII, so that no system pays for escaping."""
