"""A dashboard as a process of its own, and a browser that looks at it, where one is installed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from tests.cli.conftest import started
from tests.conftest import Server

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)


@contextmanager
def served(folder: Path, dsn: str, *options: str, environment: dict[str, str] | None = None) -> Iterator[str]:
    """Where the dashboard of this database is served."""
    arguments = ("serve", "--port", "0", "--dashboard", "--log-level", "warning", *options)
    with started(*arguments, folder=folder, dsn=dsn, environment=environment) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(2)]
        assert said[1].startswith("Dashboard: http://"), (said, process.communicate())
        yield said[1].removeprefix("Dashboard: ").rstrip("/\n")


@pytest.fixture(scope="module")
def module_dsn(server: Server) -> Iterator[str]:
    """One database for all tests of a module: each looks after rows of its own."""
    with server.database(server.template()) as dsn:
        yield dsn


@pytest.fixture(scope="module")
def connection_of_module(module_dsn: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(module_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A Chromium that looks for nothing elsewhere, and writes down what it asks for."""
    if BROWSER is None or DRIVER is None:
        pytest.skip("no Chromium here: apt-get install chromium chromium-driver")
    options = Options()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = Chrome(options=options, service=Service(DRIVER))
    try:
        yield browser
    finally:
        browser.quit()
