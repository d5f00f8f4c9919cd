"""Tests of finding tasks in modules, and of what is said when there are none."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgqueue.cli.failures import CommandMisused
from pgqueue.cli.modules import function_named, tasks_of

TASKS = """
import pgqueue

@pgqueue.task(queue="email")
def send(user_id: int) -> None: ...

@pgqueue.task(queue="bulk")
async def sweep() -> None: ...
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current directory; what is imported from it is forgotten at the end."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def refusal(*names: str) -> str:
    with pytest.raises(CommandMisused) as caught:
        tasks_of(names)
    return str(caught.value)


def test_a_modules_tasks_are_found(folder: Path) -> None:
    (folder / "chores.py").write_text(TASKS)

    assert [task.name for task in tasks_of(["chores"])] == ["chores.send", "chores.sweep"]


def test_a_package_stands_for_all_below_it_but_its_program(folder: Path) -> None:
    (folder / "shop" / "night").mkdir(parents=True)
    (folder / "shop" / "__init__.py").write_text("")
    (folder / "shop" / "__main__.py").write_text("raise AssertionError('this is a program')")
    (folder / "shop" / "night" / "__init__.py").write_text("")
    (folder / "shop" / "night" / "chores.py").write_text(TASKS)

    assert [task.name for task in tasks_of(["shop"])] == ["shop.night.chores.send", "shop.night.chores.sweep"]


def test_a_task_imported_elsewhere_counts_once(folder: Path) -> None:
    (folder / "chores.py").write_text(TASKS)
    (folder / "everything.py").write_text("from chores import send, sweep")

    assert len(tasks_of(["everything", "chores"])) == 2


def test_a_missing_module_is_told_with_where_we_looked(folder: Path) -> None:
    said = refusal("chores")

    assert said.startswith("there is no module chores")
    assert str(folder) in said


def test_a_missing_submodule_is_told(folder: Path) -> None:
    (folder / "chores.py").write_text(TASKS)

    assert refusal("chores.night").startswith("there is no module chores.night")


def test_what_a_module_itself_misses_is_told_with_its_place(folder: Path) -> None:
    (folder / "chores.py").write_text("import os\nimport nowhere_to_be_found\n")

    said = refusal("chores")

    assert "module chores cannot be imported: ModuleNotFoundError" in said
    assert "nowhere_to_be_found" in said
    assert "chores.py, line 2" in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def half(:\n", "SyntaxError: invalid syntax"),
        ("1 / 0\n", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)\n", "SystemExit: 3"),
    ],
)
def test_a_module_that_fails_is_told_with_its_place(folder: Path, text: str, expected: str) -> None:
    (folder / "chores.py").write_text(text)

    said = refusal("chores")

    assert expected in said
    assert "chores.py, line 1" in said


def test_a_module_without_tasks_is_told(folder: Path) -> None:
    (folder / "chores.py").write_text("def send(): ...\n")

    assert refusal("chores").startswith("module chores has no tasks")


def test_a_file_is_told_its_modules_name(folder: Path) -> None:
    assert refusal("chores.py") == "chores.py is a file: name the module, chores"
    assert refusal("./shop/chores.py").endswith("name the module, shop.chores")
    assert refusal("my-chores") == "'my-chores' is not a module's name"


def test_two_tasks_of_one_name_are_refused(folder: Path) -> None:
    for name in ("morning", "night"):
        (folder / f"{name}.py").write_text(
            "import pgqueue\n@pgqueue.task(name='sweep')\ndef sweep() -> None: ...\n"
        )

    assert "two tasks are named sweep" in refusal("morning", "night")


@pytest.mark.parametrize("text", ["json", "json:", "json:none", "json:__name__"])
def test_what_names_no_function_is_told(text: str) -> None:
    with pytest.raises(CommandMisused, match="names no function"):
        function_named(text)


def test_a_function_is_found_by_its_name() -> None:
    assert function_named("json:dumps") is json.dumps
