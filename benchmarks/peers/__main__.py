"""Installs the peers, each into an environment of its own; one that fails must never stop the others."""

from typing import Annotated

import typer

from benchmarks.failures import BenchmarkFailed
from benchmarks.peers.catalogue import PEERS, Peer
from benchmarks.peers.environment import Environment


def application() -> typer.Typer:
    """The command, ready to be called."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(peers)
    return app


def peers(
    names: Annotated[list[str] | None, typer.Argument(metavar="[PEER]...", show_default=False)] = None,
) -> None:
    """Install these other queues for the benchmarks, or all of them."""
    for name in names or ():
        if name not in PEERS:
            typer.echo(f"benchmarks: unknown peer {name!r}; there are: {', '.join(PEERS)}", err=True)
            raise typer.Exit(2)
    installed = [_is_installed(PEERS[name]) for name in names or PEERS]
    if not all(installed):
        raise typer.Exit(1)


def _is_installed(peer: Peer) -> bool:
    """Now, or since an earlier time."""
    environment = Environment(peer)
    try:
        if not environment.is_made():
            typer.echo(f"{peer.name}: installing {', '.join(peer.requirements)}")
            environment.make()
    except BenchmarkFailed as failure:
        typer.echo(f"{peer.name}: could not be installed: {failure}", err=True)
        return False
    typer.echo(f"{peer.name}: installed")
    return True


if __name__ == "__main__":
    application()()
