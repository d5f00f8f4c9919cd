"""The page to hang on the wall: how much there is, how it goes, who works."""

from nicegui import ui

from pgqueue.dashboard import charts
from pgqueue.dashboard.board import Board
from pgqueue.dashboard.fleet import Fleet
from pgqueue.dashboard.frame import Visit, heading, live, text
from pgqueue.dashboard.history import Sample, depth
from pgqueue.dashboard.pages import page
from pgqueue.dashboard.parts import NOTHING, age, counted, rate, run_time, share
from pgqueue.dashboard.tables import job_row, job_table

MOST_RUNNING = 12


def add_page(board: Board) -> None:
    """Serve it."""
    page.add(board, "/", "Overview", body)


async def body(visit: Visit) -> None:
    """Everything on it follows the looks."""
    parts = (Tiles(), Charts(visit.board), Fleet(), Running(visit))

    def refresh() -> None:
        sample = visit.board.watcher.sample
        if sample is not None:
            for part in parts:
                part.show(sample)

    live(visit, refresh)


class Tile:
    """One number, what it is, and a line about it."""

    def __init__(self, name: str) -> None:
        with ui.element("div").classes("tile"):
            text(name, "dt")
            with ui.element("dd"):
                self._number = text(NOTHING, "strong")
                self._about = text("", "small")

    def show(self, number: str, about: str = "") -> None:
        """Let it say this."""
        self._number.text, self._about.text = number, about


class Tiles:
    """The numbers on top."""

    NAMES = (
        "Waiting",
        "Running",
        "Scheduled",
        "Dead letters",
        "Success rate",
        "Throughput",
        "Run time",
        "Workers",
    )

    def __init__(self) -> None:
        with ui.element("dl").classes("tiles"):
            self._tiles = {name: Tile(name) for name in self.NAMES}

    def show(self, sample: Sample) -> None:
        """Tell the sample."""
        for name, said in told(sample).items():
            self._tiles[name].show(*said)


def told(sample: Sample) -> dict[str, tuple[str, str]]:
    """What each tile says: a number, and a line about it."""
    queues, activity = sample.stats.queues, sample.activity
    total, alive = activity.total, sample.alive
    oldest = max((queue.oldest_age for queue in queues if queue.oldest_age is not None), default=None)
    slots, busy = sum(worker.concurrency or 0 for worker in alive), sum(worker.busy for worker in alive)
    tried = total.succeeded + total.failed + total.expired + total.dead
    period = age(activity.moment - activity.since)
    dead = f"{total.dead:,} in the last {period}" if total.dead else f"none in the last {period}"
    return {
        "Waiting": (str(depth(queues, "waiting")), f"oldest {age(oldest)}" if oldest else "nothing due"),
        "Running": (str(depth(queues, "running")), f"{busy:,} of {slots:,} slots busy"),
        "Scheduled": (str(depth(queues, "scheduled")), "later, or to be retried"),
        "Dead letters": (str(depth(queues, "dead")), dead),
        "Success rate": (share(total.success_rate), f"of {tried:,} attempts in {period}"),
        "Throughput": (
            rate(total.succeeded_rate + total.failed_rate),
            f"{rate(activity.enqueued_rate)} enqueued",
        ),
        "Run time": (run_time(total.run_mean), f"average; 95 % within {run_time(total.run_p95)}"),
        "Workers": (f"{len(alive):,}", f"{counted(slots - busy, 'slot', 'slots')} idle"),
    }


class Charts:
    """How it went in the last minutes, and what waits where."""

    def __init__(self, board: Board) -> None:
        self._points = board.watcher.points
        with ui.element("div").classes("charts"):
            self._flow = chart("Throughput", "jobs per second")
            self._depth = chart("Depth", "jobs")
            self._priorities = chart("Waiting by queue and priority", "jobs")

    def show(self, sample: Sample) -> None:
        """Draw what is known."""
        draw(self._flow, charts.lines(self._points, ("enqueued", "succeeded", "failed")))
        draw(self._depth, charts.lines(self._points, ("waiting", "scheduled", "running")))
        draw(self._priorities, charts.by_priority(sample.stats.queues))


def chart(title: str, unit: str) -> ui.echart:
    """An empty chart under its title."""
    with ui.element("section").classes("panel"):
        with heading(title):
            text(unit, "small")
        made = ui.echart({}).classes("chart").props('role="img"')
        made.props["aria-label"] = f"{title}, {unit}; the same numbers stand in the tiles and tables"
        return made


def draw(made: ui.echart, options: dict[str, object]) -> None:
    """Let the chart show this."""
    made.options.clear()
    made.options.update(options)
    made.update()


class Running:
    """The jobs that have been running longest."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        with ui.element("section").classes("panel"):
            heading("Running now")
            self._table = job_table(visit, (), None)

    def show(self, sample: Sample) -> None:
        """The longest first."""
        longest = sorted(sample.running, key=lambda job: (job.claimed_at or sample.moment, job.id))
        self._table.rows = [job_row(self._visit, job, may_act=False) for job in longest[:MOST_RUNNING]]
        self._table.update()
