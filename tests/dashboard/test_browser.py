"""Tests of the dashboard in a real browser: it is live, safe to look at, and works for everybody."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from pgqueue import Client, Job
from pgqueue.http import new_token
from tests.dashboard.conftest import served

SECONDS = 20.0
PHONE = 360  # pixels across
PAGES = ("/", "/jobs", "/dead", "/queues", "/events")
EVIL = "<img src=x onerror=window.pwned=1><script>window.pwned=1</script>{{window.pwned=1}}"
EVIL_QUEUE = "<script>window.pwned=1</script>"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
NAMELESS = """
return [...document.querySelectorAll('button, a[href], input, [role=button], [role=combobox]')]
    .filter(found => found.offsetParent !== null)
    .filter(found => !(found.getAttribute('aria-label') || found.textContent.trim()
        || (found.labels && found.labels.length) || found.closest('label')))
    .map(found => found.outerHTML.slice(0, 200))
"""
RETRIES = """
const manager = window.socket.io;
return [manager.reconnection(), manager.reconnectionDelay(), manager.reconnectionDelayMax(),
    manager.randomizationFactor()];
"""


@pytest.fixture(scope="module")
def client(module_dsn: str) -> Iterator[Client]:
    with Client(module_dsn) as client:
        yield client


@pytest.fixture(scope="module")
def dead_job(client: Client) -> int:
    """A job that says <script> wherever it may say anything, and has died."""
    text = json.dumps({EVIL: EVIL})
    headers = {"x": EVIL, "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    job_id = client.enqueue(Job(queue=EVIL_QUEUE, task=EVIL, payload=text, headers=headers))
    (held,) = client.claim(EVIL_QUEUE)
    client.bury(held, failure())
    return job_id


def failure() -> Exception:
    """An error whose class, words and traceback are hostile."""
    try:
        raise type(EVIL, (Exception,), {})(EVIL)  # noqa: TRY301
    except Exception as error:  # noqa: BLE001
        return error


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, module_dsn: str, dead_job: int) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("site"), module_dsn) as site:
        yield site


@pytest.fixture
def wait(browser: Chrome) -> Callable[[Callable[[], Any]], Any]:
    """Waits until something is so; an element that is just being replaced is looked for again."""
    waiting = WebDriverWait(browser, SECONDS, poll_frequency=0.05, ignored_exceptions=(Exception,))
    return lambda look: waiting.until(lambda _: look())


def text(browser: Chrome) -> str:
    return browser.find_element(By.TAG_NAME, "main").text


def names(browser: Chrome) -> list[str | None]:
    """The names of the buttons that need one."""
    found = browser.find_elements(By.CSS_SELECTOR, "main button")
    assert found
    return [each.get_attribute("aria-label") for each in found]


def button(browser: Chrome, name: str) -> WebElement:
    """The button of this name."""
    (found,) = [
        each
        for each in browser.find_elements(By.CSS_SELECTOR, "button")
        if name in {each.text, each.get_attribute("aria-label")}
    ]
    return found


def logged(browser: Any, kind: str) -> list[dict[str, Any]]:
    """What the browser wrote down since it was last asked."""
    entries: list[dict[str, Any]] = browser.get_log(kind)
    return entries


def click(wait: Callable[..., Any], find: Callable[[], WebElement]) -> None:
    """Click it, once it is there to be clicked."""

    def clicked() -> bool:
        find().click()
        return True

    wait(clicked)


def look_at(browser: Chrome, wait: Callable[..., Any], address: str) -> None:
    """Open a page, and wait until it is live."""
    browser.get(address)
    wait(lambda: browser.execute_script("return window.socket?.connected && window.did_handshake"))
    wait(lambda: browser.find_element(By.TAG_NAME, "h1").text)


def test_the_overview_is_live(browser: Chrome, wait: Callable[..., Any], site: str, client: Client) -> None:
    look_at(browser, wait, f"{site}/")
    wait(lambda: browser.find_element(By.CSS_SELECTOR, ".chart canvas"))
    client.enqueue_many([Job(queue="live", task="t", payload="{}")] * 12_345)

    wait(lambda: "12,345" in text(browser) or "~1" in text(browser))


def test_what_jobs_say_is_shown_as_text(
    browser: Chrome, wait: Callable[..., Any], site: str, dead_job: int
) -> None:
    seen = {}
    for page in (*PAGES, "/jobs?state=dead", f"/job/{dead_job}"):
        look_at(browser, wait, site + page)
        wait(lambda: "Nothing has happened" not in text(browser))
        for each in browser.find_elements(By.TAG_NAME, "summary"):
            each.click()
        seen[page] = text(browser)
        assert browser.execute_script("return window.pwned") is None, page
        assert not browser.find_elements(By.CSS_SELECTOR, "img[src=x], main script"), page

    assert seen[f"/job/{dead_job}"].count(EVIL) >= 5  # task, error, traceback, payload, headers
    assert TRACE in seen[f"/job/{dead_job}"]
    assert EVIL in seen["/jobs?state=dead"]
    assert EVIL in seen["/dead"]
    assert EVIL in seen["/events"]
    assert EVIL_QUEUE in seen["/queues"]


def test_nothing_is_fetched_from_elsewhere_and_nothing_goes_wrong(
    browser: Chrome, wait: Callable[..., Any], site: str
) -> None:
    logged(browser, "performance")
    logged(browser, "browser")
    for page in PAGES:
        look_at(browser, wait, site + page)

    entries = [json.loads(entry["message"])["message"] for entry in logged(browser, "performance")]
    asked = [
        entry["params"].get("url") or entry["params"]["request"]["url"]
        for entry in entries
        if entry["method"] in {"Network.requestWillBeSent", "Network.webSocketCreated"}
    ]
    host = site.removeprefix("http://").partition("/")[0]
    ours = (f"http://{host}/dashboard/", f"ws://{host}/dashboard/", "data:", f"blob:http://{host}/")
    assert len(asked) > len(PAGES)
    assert [url for url in asked if not url.startswith(ours)] == []
    assert [entry for entry in logged(browser, "browser") if entry["level"] == "SEVERE"] == []


def test_jobs_are_cancelled_and_hurried_by_a_click(
    browser: Chrome, wait: Callable[..., Any], site: str, client: Client
) -> None:
    far = Job(queue="later", task="t", payload="{}").options(delay=timedelta(hours=1))
    first, second = client.enqueue_many([far, far])
    look_at(browser, wait, f"{site}/jobs?queue=later")

    click(wait, lambda: button(browser, f"cancel job {first}"))
    wait(lambda: client.get(first).state == "cancelled")  # type: ignore[union-attr]
    wait(lambda: f"cancel job {first}" not in names(browser))
    click(wait, lambda: button(browser, f"run now job {second}"))
    wait(lambda: f"run now job {second}" not in names(browser))  # the page has come anew
    assert client.get(second).state == "waiting"  # type: ignore[union-attr]


def test_dead_letters_are_deleted_after_a_question_and_put_back(
    browser: Chrome, wait: Callable[..., Any], site: str, client: Client
) -> None:
    jobs = client.enqueue_many([Job(queue="deadly", task="t", payload="{}")] * 3)
    for held in client.claim("deadly", limit=3):
        client.bury(held, "no")
    look_at(browser, wait, f"{site}/dead?queue=deadly")
    wait(lambda: str(jobs[0]) in text(browser))

    click(wait, lambda: browser.find_elements(By.CSS_SELECTOR, "tbody .q-checkbox")[0])
    wait(lambda: button(browser, "Delete chosen").is_enabled())
    click(wait, lambda: button(browser, "Delete chosen"))
    wait(lambda: button(browser, "Delete"))
    assert len(client.dead_letters(queue="deadly")) == 3
    click(wait, lambda: button(browser, "Delete"))
    wait(lambda: len(client.dead_letters(queue="deadly")) == 2)
    wait(lambda: browser.execute_script("return document.querySelectorAll('tbody tr').length") == 2)
    click(wait, lambda: button(browser, "Retry all that fit"))
    click(wait, lambda: button(browser, "Retry all"))

    wait(lambda: "nothing here" in text(browser))  # the page has come anew: it does not disturb the next
    assert client.dead_letters(queue="deadly") == []


def test_a_queue_is_paused_and_resumed(
    browser: Chrome, wait: Callable[..., Any], site: str, client: Client
) -> None:
    client.enqueue(Job(queue="stoppable", task="t", payload="{}"))
    look_at(browser, wait, f"{site}/queues")

    click(wait, lambda: button(browser, "pause queue stoppable"))
    click(wait, lambda: button(browser, "resume queue stoppable"))
    wait(lambda: button(browser, "pause queue stoppable"))

    (queue,) = [each for each in client.stats().queues if each.queue == "stoppable"]
    assert queue.paused_at is None


def test_no_page_is_wider_than_a_phone(
    browser: Chrome, wait: Callable[..., Any], site: str, dead_job: int
) -> None:
    screen = {"width": PHONE, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    try:
        for page in (*PAGES, f"/job/{dead_job}"):
            look_at(browser, wait, site + page)
            assert browser.execute_script("return document.documentElement.scrollWidth") <= PHONE, page
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_it_can_be_used_without_a_mouse_and_unseen(
    browser: Chrome, wait: Callable[..., Any], site: str
) -> None:
    for page in PAGES:
        look_at(browser, wait, site + page)
        assert [len(browser.find_elements(By.TAG_NAME, tag)) for tag in ("header", "main", "h1")] == [1, 1, 1]
        assert browser.find_elements(By.CSS_SELECTOR, "nav [aria-current=page]"), page
        assert browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en-US"
        assert browser.execute_script(NAMELESS) == [], page
        browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
        assert browser.switch_to.active_element.get_attribute("textContent") == "Skip to content"


def test_light_and_dark_are_turned_and_remembered(
    browser: Chrome, wait: Callable[..., Any], site: str
) -> None:
    def is_dark() -> bool:
        return bool(browser.execute_script("return document.body.classList.contains('body--dark')"))

    look_at(browser, wait, f"{site}/jobs")
    before = is_dark()
    click(wait, lambda: button(browser, "Turn between light and dark"))
    wait(lambda: is_dark() != before)
    look_at(browser, wait, f"{site}/dead")

    assert is_dark() != before


def test_a_cut_line_is_mended_ever_later_and_at_random(
    browser: Chrome, wait: Callable[..., Any], site: str
) -> None:
    look_at(browser, wait, f"{site}/")

    assert browser.execute_script(RETRIES) == [True, 1000, 5000, 0.5]


def test_what_is_sealed_is_not_shown(
    browser: Chrome, wait: Callable[..., Any], site: str, client: Client
) -> None:
    sealed = {"pgqueue:sealed": {"key": "2026", "data": "c2VjcmV0"}}
    job_id = client.enqueue(Job(queue="sealed", task="t", payload=json.dumps(sealed)))

    look_at(browser, wait, f"{site}/job/{job_id}")

    assert "sealed with key '2026'" in text(browser)
    assert "c2VjcmV0" not in browser.page_source


def test_who_may_only_look_logs_in_and_finds_nothing_to_click_nor_what_is_hidden(
    browser: Chrome, wait: Callable[..., Any], tmp_path: Path, module_dsn: str, dead_job: int
) -> None:
    token, kept = new_token("reader", ["read"])
    (tmp_path / "hiding.py").write_text("def hide(task, part, value):\n    return f'no {part} here'\n")
    options = ("--redact", "hiding:hide")
    with served(tmp_path, module_dsn, *options, environment={"PGQUEUE_TOKENS": kept.line}) as site:
        browser.get(f"{site}/dead")
        browser.find_element(By.ID, "token").send_keys("wrong", Keys.ENTER)
        wait(lambda: browser.find_element(By.CSS_SELECTOR, "[role=alert]").text)
        browser.find_element(By.ID, "token").send_keys(token, Keys.ENTER)
        wait(lambda: str(dead_job) in text(browser))

        assert not browser.find_elements(By.CSS_SELECTOR, "main button, main .q-checkbox")
        look_at(browser, wait, f"{site}/job/{dead_job}")
        assert all(f"no {part} here" in text(browser) for part in ("payload", "headers", "error"))
        assert text(browser).count(EVIL) == 1  # the task's name
        assert TRACE not in browser.page_source
        look_at(browser, wait, f"{site}/")
        left = browser.current_window_handle
        browser.switch_to.new_window("tab")
        look_at(browser, wait, f"{site}/jobs")
        click(wait, lambda: button(browser, "Log out"))
        wait(lambda: browser.find_element(By.ID, "token"))
        browser.close()
        browser.switch_to.window(left)
        wait(lambda: browser.find_element(By.ID, "token"))  # the page that was open has left, too
