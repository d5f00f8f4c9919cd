"""Examines an installation: what hurts it or soon will, why, and what mends it. Changes nothing."""
