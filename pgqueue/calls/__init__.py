"""Every SQL function as a call: a name, named typed arguments and a decoder; nothing here runs one."""
