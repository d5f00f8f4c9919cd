"""One file per contestant; a system must never know of another."""
