"""psycopg's adapters as we want them, whatever the user of a connection has set up there."""

from datetime import timedelta

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Loader
from psycopg.pq import Format
from psycopg.types.datetime import TimedeltaBinaryDumper

from pgqueue.drivers.wire import interval


class JsonText(Loader):
    """Reads jsonb as its text: what it means is for the call's decoder to say."""

    format = Format.BINARY

    def load(self, data: Buffer) -> str:
        """The text after jsonb's version byte."""
        encoding = self.connection.info.encoding if self.connection else "utf-8"
        return bytes(data)[1:].decode(encoding)


class Elapsed(TimedeltaBinaryDumper):
    """Writes a timedelta without days."""

    def dump(self, obj: timedelta) -> bytes:
        """The interval in microseconds alone."""
        return interval(obj)


ADAPTERS = AdaptersMap(psycopg.adapters)
ADAPTERS.register_loader("jsonb", JsonText)
ADAPTERS.register_dumper(timedelta, Elapsed)
