"""The files to index: the standard library of this interpreter, and some planted ones that fail."""

import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# Not the library's own: what others installed into it, and its tests, where some files are broken on purpose.
LEFT_OUT = frozenset({"site-packages", "dist-packages", "test", "tests", "idle_test"})
FLAKY = 3


@dataclass(frozen=True, slots=True)
class Planted:
    """Files made to fail.

    broken: never parses, so it dies. flaky: each cannot be read at the first attempt, and can at the second.
    """

    broken: Path
    flaky: tuple[Path, ...]


def library() -> list[Path]:
    """The source files of the standard library, without its tests."""
    root = Path(sysconfig.get_paths()["stdlib"])
    return sorted(file for file in root.rglob("*.py") if not LEFT_OUT & set(file.relative_to(root).parts))


@contextmanager
def planted() -> Iterator[Planted]:
    """The planted files, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="pgqueue-demo-") as name:
        folder = Path(name)
        broken = folder / "broken.py"
        broken.write_text("def half_a_function(:\n")
        flaky = tuple(folder / f"flaky_{number}.py" for number in range(1, FLAKY + 1))
        for file in flaky:
            file.write_text("import this\n")
        yield Planted(broken, flaky)
