"""Tasks: functions whose calls can be enqueued. A task knows no client and no worker."""

import inspect
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Generic, NotRequired, ParamSpec, TypeVar, get_type_hints, overload

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError, with_config
from pydantic_core import PydanticSerializationError
from typing_extensions import TypedDict

from pgqueue.backoff import Backoff, Exponential
from pgqueue.errors import InvalidPayload, UnknownKey
from pgqueue.job import DEFAULT_MAX_ATTEMPTS, DEFAULT_PRIORITY, DEFAULT_QUEUE, Job
from pgqueue.json_text import faults, is_suspect
from pgqueue.record import DeadLetter, JobRecord
from pgqueue.sealing import MARK, Keyring, about_payload, about_result, is_sealed, opened, opened_error

P = ParamSpec("P")
R = TypeVar("R")
Record = TypeVar("Record", JobRecord, DeadLetter)

Arguments = dict[str, Any]


class Task(Generic[P, R]):
    """A function with a name, a queue and a policy. Calling it just runs it.

    name: what jobs are stored under; module and function by default. Jobs in
        the queue know only this name: renaming strands them.
    queue, priority, max_attempts, timeout, keep_result: see `Job`.
    backoff: the delay before the next attempt, from the number of the failed one.
    keyring: what its arguments, results and errors are sealed with, wherever they are stored; see `opened`.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        queue: str = DEFAULT_QUEUE,
        priority: int = DEFAULT_PRIORITY,
        max_attempts: int = DEFAULT_MAX_ATTEMPTS,
        timeout: timedelta | None = None,
        backoff: Backoff | None = None,
        keep_result: bool = False,
        keyring: Keyring | None = None,
    ) -> None:
        self.function = function
        self.name = name or default_name(function)
        self.backoff = backoff or Exponential()
        self.keyring = keyring
        self.is_async = is_coroutine_function(function)
        self._signature = inspect.signature(function)
        self._adapter: TypeAdapter[Arguments] | None = None
        self._template = Job(
            task=self.name,
            payload="{}",
            queue=queue,
            priority=priority,
            max_attempts=max_attempts,
            timeout=timeout,
            keep_result=keep_result,
        )
        refuse_unnamed_parameters(self.name, self._signature)
        refuse_method(self.name, function, self._signature)
        self.__doc__ = function.__doc__
        self.__name__ = getattr(function, "__name__", self.name)
        self.__wrapped__ = function

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function here and now; nothing is enqueued."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        """Its name and queue."""
        return f"<task {self.name} of queue {self.queue}>"

    @property
    def queue(self) -> str:
        """The queue its jobs go to by default."""
        return self._template.queue

    def job(self, /, *args: P.args, **kwargs: P.kwargs) -> Job:
        """One call of this task as a job to enqueue.

        The arguments are validated against the signature now, and stored as JSON.
        Raises InvalidPayload, naming each field that does not fit.
        """
        return self._template.with_payload(self._encoded(args, kwargs))

    def encode(self, /, *args: P.args, **kwargs: P.kwargs) -> str:
        """The arguments as the JSON object a job carries. Raises InvalidPayload."""
        return self._encoded(args, kwargs)

    def _encoded(self, args: tuple[Any, ...], kwargs: Arguments) -> str:
        adapter = self._adapter or self.adapter
        try:
            given = self._signature.bind(*args, **kwargs).arguments if args else kwargs
            arguments = adapter.validator.validate_python(given, by_alias=True, by_name=True)
            text = adapter.serializer.to_json(arguments, round_trip=True).decode()
        except TypeError as error:
            raise InvalidPayload(f"task {self.name}: {error}") from error
        except ValidationError as error:
            raise InvalidPayload(f"task {self.name}: {fields_at_fault(error)}") from error
        except PydanticSerializationError as error:
            raise InvalidPayload(f"task {self.name}: {error}: pass something JSON can say") from error
        if is_suspect(text):
            self._refuse_faults(arguments)
        if self.keyring is not None:
            return json.dumps(self.keyring.seal(text.encode(), about=about_payload(self.name)))
        return text

    def decode(self, payload: str) -> Arguments:
        """The arguments of a stored job, validated. Raises InvalidPayload, naming each field; UnknownKey."""
        text = self._unsealed(payload) if MARK in payload else payload
        try:
            decoded: Arguments = self.adapter.validator.validate_json(text, by_alias=True, by_name=True)
        except ValidationError as error:
            raise InvalidPayload(f"task {self.name}: {fields_at_fault(error)}") from error
        return decoded

    def opened(self, record: Record) -> Record:
        """The same job or dead letter, what is sealed in it readable. Raises UnknownKey, InvalidPayload."""
        ring = self.keyring
        if ring is None:
            return record
        attempts = [
            replace(each, error=opened_error(ring, record.id, each.error)) for each in record.attempts
        ]
        readable = replace(
            record,
            payload=opened(ring, record.payload, about=about_payload(self.name)),
            error=opened_error(ring, record.id, record.error),
            attempts=tuple(attempts),
        )
        if not isinstance(readable, JobRecord):
            return readable
        return replace(readable, result=opened(ring, readable.result, about=about_result(readable.id)))

    def _unsealed(self, payload: str) -> str | bytes:
        value = json.loads(payload)
        if not is_sealed(value):
            return payload
        about = about_payload(self.name)
        if self.keyring is None:
            key = value[MARK]["key"]
            raise UnknownKey(f"the {about} is sealed with key {key!r}, and it has no keyring here")
        return self.keyring.unseal(value, about=about)

    def _refuse_faults(self, arguments: Arguments) -> None:
        found = [
            f"{path} {fault}" for path, fault in faults(self.adapter.dump_python(arguments, round_trip=True))
        ]
        if found:
            raise InvalidPayload(f"task {self.name}: {'; '.join(found)}")

    @property
    def adapter(self) -> TypeAdapter[Arguments]:
        """The validator of its arguments, built at first use: annotations may name later classes."""
        if self._adapter is None:
            self._adapter = arguments_adapter(self.name, self.function, self._signature)
        return self._adapter


@overload
def task(function: Callable[P, R], /) -> Task[P, R]: ...


@overload
def task(
    *,
    name: str | None = None,
    queue: str = DEFAULT_QUEUE,
    priority: int = DEFAULT_PRIORITY,
    max_attempts: int = DEFAULT_MAX_ATTEMPTS,
    timeout: timedelta | None = None,
    backoff: Backoff | None = None,
    keep_result: bool = False,
    keyring: Keyring | None = None,
) -> Callable[[Callable[P, R]], Task[P, R]]: ...


def task(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    queue: str = DEFAULT_QUEUE,
    priority: int = DEFAULT_PRIORITY,
    max_attempts: int = DEFAULT_MAX_ATTEMPTS,
    timeout: timedelta | None = None,
    backoff: Backoff | None = None,
    keep_result: bool = False,
    keyring: Keyring | None = None,
) -> Task[P, R] | Callable[[Callable[P, R]], Task[P, R]]:
    """Make a function a task: `@task` or `@task(queue="email", max_attempts=5)`. Options: see `Task`."""

    def make(decorated: Callable[P, R]) -> Task[P, R]:
        return Task(
            decorated,
            name=name,
            queue=queue,
            priority=priority,
            max_attempts=max_attempts,
            timeout=timeout,
            backoff=backoff,
            keep_result=keep_result,
            keyring=keyring,
        )

    return make if function is None else make(function)


def default_name(function: Callable[..., object]) -> str:
    """Module and name; a script's module is its file's, as an importer would call it."""
    qualified = getattr(function, "__qualname__", None)
    if qualified is None:
        raise TypeError(f"{function!r} has no name of its own: give one, task(name=...)")
    module = function.__module__
    if module == "__main__":
        module = Path(getattr(sys.modules["__main__"], "__file__", None) or "__main__").stem
    return f"{module}.{qualified}"


def is_coroutine_function(function: Callable[..., object]) -> bool:
    """Whether calling it gives something to await; an object's `__call__` counts."""
    called = getattr(function, "__call__", None)  # noqa: B004 - we ask of what kind it is
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)


def refuse_unnamed_parameters(name: str, signature: inspect.Signature) -> None:
    """A payload is an object of named arguments, so every parameter must have a name to pass it by."""
    unnamed = {
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.VAR_POSITIONAL,
        inspect.Parameter.VAR_KEYWORD,
    }
    for parameter in signature.parameters.values():
        if parameter.kind in unnamed:
            raise TypeError(
                f"task {name}: parameter {parameter} cannot be passed by name: give it a name of its own"
            )


def refuse_method(name: str, function: Callable[..., object], signature: inspect.Signature) -> None:
    """A worker has no object to call a method on. Seen by its place in a class and its first parameter."""
    place = getattr(function, "__qualname__", "").split(".")
    is_in_class = len(place) > 1 and place[-2] != "<locals>" and not inspect.ismethod(function)
    if is_in_class and next(iter(signature.parameters), None) in {"self", "cls"}:
        raise TypeError(
            f"task {name}: a method has no object in the worker: make it a function or a staticmethod"
        )


def arguments_adapter(
    name: str, function: Callable[..., object], signature: inspect.Signature
) -> TypeAdapter[Arguments]:
    """A strictly closed object with one field per parameter; those with a default may be missing."""
    hints = annotations_of(name, function)
    fields: Mapping[str, Any] = {
        parameter.name: hints.get(parameter.name, Any)
        if parameter.default is parameter.empty
        else NotRequired[hints.get(parameter.name, Any)]
        for parameter in signature.parameters.values()
    }
    closed = with_config(ConfigDict(extra="forbid"))(TypedDict(name, fields))  # type: ignore[operator]
    try:
        return TypeAdapter(closed)
    except PydanticUserError as error:
        raise TypeError(f"task {name}: {error.message}") from error


def annotations_of(name: str, function: Callable[..., object]) -> dict[str, Any]:
    """The types of its parameters, names resolved; of what a partial or a callable object calls."""
    target: Any = function
    while isinstance(target, partial):
        target = target.func
    if not (inspect.isroutine(target) or inspect.isclass(target)):
        target = type(target).__call__
    try:
        return get_type_hints(target, include_extras=True)
    except NameError as error:
        raise TypeError(
            f"task {name}: {error}: its annotations must name what stands at the top of its module"
        ) from error


def fields_at_fault(error: ValidationError) -> str:
    """Every field that does not fit and why, on one line; never the values, which may be secret."""
    return "; ".join(
        f"{'.'.join(map(str, entry['loc'])) or 'payload'}: {entry['msg']}"
        for entry in error.errors(include_url=False, include_input=False, include_context=False)
    )
