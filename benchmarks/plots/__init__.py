"""One file per plot; a plot must never show what is not in its data."""
