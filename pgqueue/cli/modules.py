"""Finds the tasks of the modules a worker is told of; it must never answer a broken one with a traceback."""

import importlib
import logging
import pkgutil
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from pgqueue import Task
from pgqueue.cli.failures import CommandMisused

AnyTask = Task[..., Any]

logger = logging.getLogger("pgqueue.cli")


def tasks_of(names: Iterable[str]) -> list[AnyTask]:
    """The tasks of these modules, those they imported from elsewhere included, each once.

    A package stands for all its submodules. The current directory is searched first.
    Raises CommandMisused.
    """
    search_here()
    found: dict[int, AnyTask] = {}
    for name in names:
        tasks = [task for module in with_submodules(name) for task in tasks_in(module)]
        if not tasks:
            raise CommandMisused(
                f"module {name} has no tasks: decorate a function with @pgqueue.task, or name another module"
            )
        found.update((id(task), task) for task in tasks)
    check_names(found.values())
    return list(found.values())


def function_named(text: str) -> Callable[..., Any]:
    """The function that MODULE:FUNCTION names, first in the current directory. Raises CommandMisused."""
    search_here()
    module, _, name = text.partition(":")
    found = getattr(imported(module), name, None)
    if not callable(found):
        raise CommandMisused(f"{text!r} names no function: write MODULE:FUNCTION")
    return cast("Callable[..., Any]", found)


def search_here() -> None:
    """Have modules looked for in the current directory first."""
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)


def with_submodules(name: str) -> Iterator[ModuleType]:
    """The module, and if it is a package all below it but what would run as a program."""
    module = imported(name)
    yield module
    for below in pkgutil.iter_modules(getattr(module, "__path__", []), prefix=f"{name}."):
        if not below.name.endswith(".__main__"):
            yield from with_submodules(below.name)


def imported(name: str) -> ModuleType:
    """The module of this name. Raises CommandMisused if there is none, or it fails."""
    check_spelling(name)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise CommandMisused(
                f"there is no module {name}: looked in {Path.cwd()} and where Python is installed"
            ) from error
        raise broken(name, error) from error
    except (Exception, SystemExit) as error:
        raise broken(name, error) from error


def check_spelling(name: str) -> None:
    """Refuse a path, which is what people try first. Raises CommandMisused."""
    if name.endswith(".py") or "/" in name:
        meant = ".".join(Path(name.removesuffix(".py")).parts)
        raise CommandMisused(f"{name} is a file: name the module, {meant.strip('./')}")
    if not all(part.isidentifier() for part in name.split(".")):
        raise CommandMisused(f"{name!r} is not a module's name")


def broken(name: str, error: BaseException) -> CommandMisused:
    """What stopped a module from being imported, and where."""
    logger.debug("module %s cannot be imported", name, exc_info=error)
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename
    ]
    if isinstance(error, SyntaxError):
        place = f" ({error.filename}, line {error.lineno})"
    else:
        ours = [frame for frame in frames if Path(frame.filename) != Path(__file__)]
        place = f" ({ours[-1].filename}, line {ours[-1].lineno})" if ours else ""
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    return CommandMisused(f"module {name} cannot be imported: {type(error).__qualname__}: {said}{place}")


def tasks_in(module: ModuleType) -> Iterator[AnyTask]:
    """The tasks that are a module's globals."""
    return (value for value in vars(module).values() if isinstance(value, Task))


def check_names(tasks: Iterable[AnyTask]) -> None:
    """Refuse two tasks of one name: a job could mean either. Raises CommandMisused."""
    seen: dict[str, AnyTask] = {}
    for task in tasks:
        if task.name in seen:
            raise CommandMisused(f"two tasks are named {task.name}: give one of them another name=")
        seen[task.name] = task
