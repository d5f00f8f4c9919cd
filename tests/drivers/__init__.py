"""Every way to reach pgqueue in the caller's own transaction, held to one contract."""
