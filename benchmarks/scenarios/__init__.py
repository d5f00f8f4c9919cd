"""One file per question asked of the systems; a scenario must never start a server itself."""
