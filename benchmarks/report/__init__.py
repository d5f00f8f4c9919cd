"""The report of a whole run: tables, plots, raw rows; it must never say what no row says."""
