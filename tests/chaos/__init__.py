"""Chaos: workers, server, network and clocks are struck under load, and every promise is checked after.

It must never touch a server or a process that it did not start itself.
"""
