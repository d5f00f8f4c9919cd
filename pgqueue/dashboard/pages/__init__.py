"""The pages, a module each."""

from pgqueue.dashboard.board import Board
from pgqueue.dashboard.pages import dead, events, job, jobs, overview, queues


def add_pages(board: Board) -> None:
    """Add every page to what is served."""
    for page in (overview, jobs, job, dead, queues, events):
        page.add_page(board)
