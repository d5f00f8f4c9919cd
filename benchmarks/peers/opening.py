"""Opens a peer on the servers that all contestants share; it must never change its settings."""

from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

from benchmarks.peers.catalogue import PEERS
from benchmarks.peers.environment import Environment
from benchmarks.rows import Durability
from benchmarks.shared_servers import SharedServers
from benchmarks.systems.peer import PeerSystem


def open_peer(name: str, durability: Durability, servers: SharedServers) -> PeerSystem:
    """In an empty database of its own; to be entered."""
    peer = PEERS[name]
    if peer.server == "redis":
        address = servers.redis_url(durability)
    else:
        address = as_uri(servers.databases().create(f"bench_{name}"))
    return PeerSystem(peer, Environment(peer).python, address, durability)


def as_uri(dsn: str) -> str:
    """The same as a URI, which all drivers read; some read nothing else, and want the host up front."""
    parts = {name: quote(str(value), safe="") for name, value in conninfo_to_dict(dsn).items()}
    user, password, host = (parts.pop(name, "") for name in ("user", "password", "host"))
    port, database = parts.pop("port", ""), parts.pop("dbname", "")
    authority = f"{user}{password and f':{password}'}@{host}{port and f':{port}'}"
    options = "&".join(f"{name}={value}" for name, value in parts.items())
    return f"postgresql://{authority}/{database}{options and f'?{options}'}"
