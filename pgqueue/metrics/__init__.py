"""Metrics for Prometheus: of a whole installation by one exporter, of a worker by itself."""
