"""Where and with what was measured; it must never name who measured, nor their folders."""

import os
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
import psycopg
import redis

from benchmarks.disk import fsync_seconds
from benchmarks.given import Given
from benchmarks.servers import postgres_binary, redis_binary

PACKAGES = ("psycopg", "pydantic", "redis", "hiredis")
GIGABYTE = 1_000_000_000
REPOSITORY = Path(__file__).resolve().parents[2]


def machine() -> dict[str, str | int | float]:
    """Processor, memory, disk, and how busy it was before we began."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "memory_gigabytes": round(psutil.virtual_memory().total / GIGABYTE, 1),
        "system": f"{platform.system()} {platform.release()}",
        "file_system_of_servers": _file_system(Path(tempfile.gettempdir()).resolve()),
        "fsync_milliseconds": round(fsync_seconds() * 1000, 3),
        "load_before": round(os.getloadavg()[0], 2),
    }


def versions(given: Given) -> dict[str, str]:
    """Of everything that took part, the servers' own among them."""
    found = {"pgqueue": f"{version('pgqueue-py')} {_commit()}".strip(), "Python": platform.python_version()}
    found["PostgreSQL"] = _postgres_version(given)
    found["Redis"] = _redis_version(given)
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def command_line() -> str:
    """What was typed."""
    return " ".join(["python -m benchmarks", *sys.argv[1:]])


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _file_system(folder: Path) -> str:
    """The kind of the one that holds the folder."""
    mounts = [
        part for part in psutil.disk_partitions(all=True) if folder.is_relative_to(Path(part.mountpoint))
    ]
    return max(mounts, key=lambda part: len(part.mountpoint)).fstype if mounts else "unknown"


def _commit() -> str:
    """Of this checkout, marked where files differ from it; nothing where there is no checkout."""
    command = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty", "--abbrev=10"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _postgres_version(given: Given) -> str:
    if given.dsn:
        with psycopg.connect(given.dsn) as connection:
            return str(connection.info.parameter_status("server_version"))
    return _first_line(postgres_binary("postgres"), "--version")


def _redis_version(given: Given) -> str:
    if given.redis_url:
        with redis.Redis.from_url(given.redis_url) as connection:
            return str(connection.info("server")["redis_version"])
    return _first_line(redis_binary(), "--version")


def _first_line(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
