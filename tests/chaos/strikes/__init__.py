"""Every strike there is, by name. A strike returns when it is over, and says what it struck."""

from collections.abc import Awaitable, Callable, Mapping

from tests.chaos.strikes import house, network, processes, server
from tests.chaos.strikes.stage import Stage

Strike = Callable[[Stage], Awaitable[str]]

STRIKES: Mapping[str, Strike] = {
    "worker killed": processes.kill,
    "all workers killed": processes.kill_all,
    "worker frozen beyond its lease": processes.freeze,
    "worker poisoned": processes.poison,
    "sessions terminated": server.terminate,
    "session's process killed": server.kill_session,
    "server crashed": server.crash,
    "server restarted": server.restart,
    "pooler killed": server.kill_pooler,
    "connections cut": network.cut,
    "connections half-closed": network.half_close,
    "connections silent": network.silence,
    "network slow": network.delay,
    "network refusing": network.refuse,
    "horizon pinned": house.pin,
    "application transaction left open": house.leave_open,
    "queue paused": house.pause,
    "house kept": house.maintain,
    "windows changed": house.change_windows,
}

__all__ = ["STRIKES", "Stage", "Strike"]
