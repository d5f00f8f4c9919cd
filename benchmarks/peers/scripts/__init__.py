"""One script per peer, run by the peer's own Python; it must never import what that Python does not have."""
