"""The other Python queues, each in a virtual environment of its own; it must never be imported by pgqueue."""
