"""Tests of tasks: their names, signatures and options; a task is its function, and makes jobs of calls."""

import functools
import inspect
import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Annotated, Any

import pytest
from pydantic import Field

from pgqueue import Fixed, InvalidJob, InvalidPayload, task
from tests import postponed_tasks
from tests.arguments import Point, carrying


def test_positional_and_named_arguments_make_the_same_job() -> None:
    @task
    def send(a: int, b: str = "x", *, c: float) -> None: ...

    assert send.job(1, "y", c=2.0) == send.job(c=2.0, b="y", a=1)


def test_a_missing_default_is_left_to_the_handler() -> None:
    @task
    def send(a: int, b: str = "x") -> None: ...

    job = send.job(1)

    assert json.loads(job.payload) == {"a": 1}
    assert send.decode(job.payload) == {"a": 1}


def test_values_are_validated_as_they_are_sent() -> None:
    @task
    def send(user_id: int, point: Point) -> None: ...

    job = send.job("7", {"x": "1"})  # type: ignore[arg-type]

    assert json.loads(job.payload) == {"user_id": 7, "point": {"x": 1, "y": 0.5}}


def test_every_field_that_does_not_fit_is_named_and_no_value_is() -> None:
    @task(name="send")
    def send(user_id: int, point: Point, when: date) -> None: ...

    with pytest.raises(InvalidPayload) as caught:
        send.job(user_id="hunter2", point={"x": "hunter2"}, extra="hunter2")  # type: ignore[call-arg, arg-type]

    message = str(caught.value)
    assert re.match(
        "task send: .*user_id: .*; point.x: .*; when: Field required; extra: Extra inputs", message
    )
    assert "hunter2" not in message


def test_too_many_positional_arguments_are_refused() -> None:
    @task
    def send(a: int) -> None: ...

    with pytest.raises(InvalidPayload, match="too many positional arguments"):
        send.job(1, 2)  # type: ignore[call-arg]
    with pytest.raises(InvalidPayload, match="multiple values for argument 'a'"):
        send.job(1, a=2)  # type: ignore[misc]


@pytest.mark.parametrize("payload", ["{}", "[]", "nonsense", '{"a": "x"}', '{"a": 1, "b": 2}', "null"])
def test_a_stored_payload_that_does_not_fit_is_refused(payload: str) -> None:
    @task(name="send")
    def send(a: int) -> None: ...

    with pytest.raises(InvalidPayload, match=r"task send: (a|b|payload): "):
        send.decode(payload)


def test_arguments_may_have_any_name() -> None:
    @task
    def send(  # noqa: PLR0917 - it is about their names
        self: int,
        json: int,
        copy: int,
        schema: int,
        class_: int,
        args: int,
        kwargs: int,
        function: int,
        _x: int,
    ) -> None: ...

    names = list(inspect.signature(send.function).parameters)
    values = dict.fromkeys(names, 1)

    assert send.decode(send.job(**values).payload) == values
    assert send.decode(send.job(*values.values()).payload) == values
    assert send(**values) is None


def test_postponed_annotations_are_read() -> None:
    job = postponed_tasks.draw.job(shape=postponed_tasks.Shape(corners=3), when=date(2024, 1, 1))

    assert postponed_tasks.draw.decode(job.payload) == {
        "shape": postponed_tasks.Shape(corners=3),
        "when": date(2024, 1, 1),
    }


def test_a_postponed_annotation_of_a_local_name_is_a_clear_error() -> None:
    with pytest.raises(TypeError, match=r"name 'Local' is not defined.*top of its module"):
        postponed_tasks.nested_task().job(value=1)


def test_a_type_pydantic_does_not_know_is_a_clear_error() -> None:
    class Unknown: ...

    with pytest.raises(TypeError, match="Unknown"):
        carrying(Unknown).job(value=Unknown())


def test_a_constraint_is_kept() -> None:
    carried = carrying(Annotated[int, Field(gt=0)])

    with pytest.raises(InvalidPayload, match="greater than 0"):
        carried.job(value=0)


@pytest.mark.parametrize(
    "function", [lambda a, /: a, lambda *a: a, lambda **a: a], ids=["positional-only", "args", "kwargs"]
)
def test_a_parameter_without_a_name_is_refused_at_once(function: Callable[..., object]) -> None:
    with pytest.raises(TypeError, match="cannot be passed by name"):
        task(function)


class Mailer:
    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, address: str) -> None:
        self.sent.append(address)

    @task
    @staticmethod
    def post(address: str) -> str:
        return address

    async def __call__(self, address: str) -> None:
        self.sent.append(address)


def test_a_method_is_refused_and_a_bound_or_static_one_is_not() -> None:
    mailer = Mailer()

    with pytest.raises(TypeError, match="a method has no object in the worker"):
        task(Mailer.send)
    bound = task(mailer.send)
    bound(**bound.decode(bound.job(address="a@b").payload))

    assert mailer.sent == ["a@b"]
    assert Mailer.post.job(address="a").payload == '{"address":"a"}'
    assert Mailer.post("x") == "x"


def test_a_partial_and_a_callable_object_need_a_name() -> None:
    def add(a: int, b: int) -> int:
        return a + b

    with pytest.raises(TypeError, match=r"task\(name=\.\.\.\)"):
        task(functools.partial(add, 1))
    with pytest.raises(TypeError, match=r"task\(name=\.\.\.\)"):
        task(Mailer())

    adding = task(name="adding")(functools.partial(add, 1))
    assert adding(**adding.decode(adding.job(b="2").payload)) == 3
    called = task(name="called")(Mailer())
    assert called.is_async
    assert called.job(address="a").payload == '{"address":"a"}'


def test_a_task_is_its_function() -> None:
    @task
    def add(a: int, b: int) -> int:
        """Adds."""
        return a + b

    @task
    async def later() -> None: ...

    assert (add(1, 2), add.__doc__, add.__name__) == (3, "Adds.", "add")
    assert (add.is_async, later.is_async) == (False, True)
    assert add.name == "tests.test_task.test_a_task_is_its_function.<locals>.add"
    assert repr(add) == f"<task {add.name} of queue default>"


def test_the_options_of_a_task_are_those_of_its_jobs() -> None:
    @task(
        name="send",
        queue="email",
        priority=1,
        max_attempts=9,
        timeout=timedelta(seconds=5),
        backoff=Fixed(timedelta(seconds=2)),
        keep_result=True,
    )
    def send(a: int) -> None: ...

    job = send.job(a=1)

    assert (job.task, job.queue, job.priority, job.max_attempts) == ("send", "email", 1, 9)
    assert (job.timeout, job.keep_result, job.payload) == (timedelta(seconds=5), True, '{"a":1}')
    assert send.backoff(3) == timedelta(seconds=2)


@pytest.mark.parametrize(
    "options",
    [{"queue": ""}, {"priority": 10}, {"max_attempts": 0}, {"timeout": timedelta(0)}, {"name": "x" * 256}],
)
def test_a_task_out_of_bounds_is_refused_where_it_is_written(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidJob):
        task(**options)(lambda: None)


def test_a_string_of_a_mebibyte_is_made_and_left_for_the_client_to_refuse() -> None:
    job = carrying(str).job(value="ü" * 1_048_576)

    assert len(job.payload.encode()) > 2 * 1_048_576
