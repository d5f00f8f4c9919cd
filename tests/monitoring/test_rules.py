"""Tests of the alerts: promtool finds no fault in them, and plays each of them through."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pgqueue.cli import app
from pgqueue.metrics.catalogue import BY_NAME
from tests.monitoring.conftest import Promtool
from tests.monitoring.expressions import RULES, mentioned, series

CASES = Path(__file__).with_name("rules_test.yaml")
COMMAND = re.compile(r"`pgqueue ([a-z]+(?: [a-z]+)?)(?=[ `])")
ALERTS = {block.split()[0]: block for block in RULES.read_text().split("- alert: ")[1:]}


def test_promtool_finds_no_fault(promtool: Promtool) -> None:
    done = promtool("check", "rules", "--lint-fatal", RULES)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_alerts_fire_when_they_should_and_only_then(promtool: Promtool) -> None:
    done = promtool("test", "rules", CASES)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_is_wrong_and_what_to_do(name: str) -> None:
    assert {"severity", "summary", "description", "runbook"} <= {
        line.strip().split(":")[0] for line in ALERTS[name].splitlines()
    }


@pytest.mark.parametrize("command", sorted(set(COMMAND.findall(RULES.read_text()))))
def test_what_an_alert_tells_to_run_can_be_run(command: str) -> None:
    assert CliRunner().invoke(app, [*command.split(), "--help"]).exit_code == 0


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_is_played(name: str) -> None:
    assert f'alertname="{name}"' in CASES.read_text()


def test_every_metric_the_rules_name_exists() -> None:
    assert mentioned(RULES.read_text()) <= series() | set(BY_NAME)


def test_every_metric_that_is_played_exists() -> None:
    assert mentioned(CASES.read_text()) <= series()
