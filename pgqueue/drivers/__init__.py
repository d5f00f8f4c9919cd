"""How to run a call on other people's connections: one small pump per library, chosen by type.

Whatever connection is given, its transaction is the caller's: a driver neither commits nor rolls back.
A library is imported only when one of its connections turns up.
"""
