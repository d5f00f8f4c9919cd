import pytest

from benchmarks.failures import BenchmarkFailed
from benchmarks.pgbench import figures, run_pgbench

REPORT = """
number of transactions actually processed: 12345
number of failed transactions: {failed} (0.000%)
latency average = 1.2 ms
tps = 6172.500000 (without initial connection time)
"""


def test_the_report_is_read() -> None:
    assert figures(REPORT.format(failed=0)) == (12345, 6172.5)


def test_a_failed_transaction_or_another_report_is_no_result() -> None:
    with pytest.raises(BenchmarkFailed):
        figures(REPORT.format(failed=3))
    with pytest.raises(BenchmarkFailed):
        figures("pgbench (18.6)")


def test_a_statement_that_fails_stops_the_run(bare_dsn: str) -> None:
    with pytest.raises(BenchmarkFailed, match="pgbench failed: "):
        run_pgbench(bare_dsn, "select no_such_function();\n", clients=1, seconds=1)
