"""Measures pgqueue beside its rivals; it must never be imported by the library."""
