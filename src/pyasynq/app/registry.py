"""The tasks of an App, by type."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from typing_extensions import override

from pyasynq.app.definition import TaskDefinition
from pyasynq.app.typed_handler import without_state
from pyasynq.errors import ConfigError, PayloadError
from pyasynq.functions.redefinition import is_redefined
from pyasynq.payload import ANY_RESULT, ResultCodec
from pyasynq.task import TaskInfo
from pyasynq.worker.handlers.middleware import Middleware
from pyasynq.worker.handlers.mux import ServeMux, prefix_of


class Registry(Mapping[str, TaskDefinition[..., object]]):
    """Definitions by type and by alias, in the order of their registration."""

    def __init__(self) -> None:
        self._by_type: dict[str, TaskDefinition[..., object]] = {}

    def add(self, definition: TaskDefinition[..., Any]) -> TaskDefinition[..., Any]:
        """Register *definition* for its type and its aliases, and return it.

        A function that is defined again, in a notebook or by a reload, replaces its old version.

        Raises:
            ConfigError: names every type that is taken, and both functions; nothing is registered.
        """
        types = (definition.type, *definition.aliases)
        taken = {each: self._by_type[each] for each in types if each in self._by_type}
        replaced = [
            each
            for each in taken.values()
            if is_redefined(each.spec.function, definition.spec.function)
        ]
        faults = [
            f"task type {each!r} is registered twice: at {old.spec.source_line} "
            f"and at {definition.spec.source_line}"
            for each, old in taken.items()
            if old not in replaced
        ]
        faults += [
            f"alias {each!r} of the task at {definition.spec.source_line} is named twice"
            for position, each in enumerate(types)
            if each in types[:position]
        ]
        ConfigError.raise_if(faults)
        self._by_type = {each: old for each, old in self._by_type.items() if old not in replaced}
        self._by_type.update(dict.fromkeys(types, definition))
        return definition

    def decode_result(self, info: TaskInfo) -> Any:
        """Return the result of a task as its function returned it; plain values if it is unknown.

        Raises:
            PayloadError: it does not fit the annotation of the function.
        """
        return self.result_codec(info.type).decode(info.result)

    def result_codec(self, task_type: str) -> ResultCodec:
        """Return what reads the results of *task_type*; as plain values if it is unknown."""
        definition = self.find(task_type)
        return ANY_RESULT if definition is None else definition.spec.result

    def arguments(self, task_type: str, payload: bytes) -> dict[str, Any]:
        """Return what the function of *task_type* is called with, by parameter.

        If the type is unknown, or the payload does not fit, these are the members of its JSON
        object, if it is one.
        """
        definition = self.find(task_type)
        try:
            if definition is not None:
                return definition.spec.codec.decode(payload)
            found = ANY_RESULT.decode(payload)
        except PayloadError:
            found = ANY_RESULT.decode(payload)
        return found if isinstance(found, dict) else {}

    def mux(
        self, middlewares: Iterable[Middleware], *, archives_unknown: bool, processes: bool = True
    ) -> ServeMux:
        """Return a new mux with a handler for each type, inside *middlewares*.

        Args:
            processes: whether handlers that want processes of their own get them. A test does
                without: such a process would use the Redis of the App, not that of the test.
        """
        mux = ServeMux()
        mux.archives_unknown = archives_unknown
        mux.use(*middlewares)
        for task_type, definition in self._by_type.items():
            spec = definition.spec
            if spec.handler_path is not None:
                spec.handler_path.check(spec.function)
            handler, settings, path = definition.task_handler, spec.settings, spec.handler_path
            if path is not None and not processes:
                handler, path = without_state(handler), None
                settings = dataclasses.replace(settings, executor=None)
            mux.add(task_type, handler, settings=settings, path=path, is_exact=True)
            mux.usual_options[task_type] = definition.default_options
        return mux

    def find(self, task_type: str) -> TaskDefinition[..., object] | None:
        """Return what handles tasks of *task_type*, as the mux does; None if nothing does."""
        if task_type in self._by_type:
            return self._by_type[task_type]
        for pattern in sorted(self._by_type, key=len, reverse=True):
            prefix = prefix_of(pattern)
            if prefix is not None and task_type.startswith(prefix):
                return self._by_type[pattern]
        return None

    @override
    def __getitem__(self, task_type: str) -> TaskDefinition[..., object]:
        return self._by_type[task_type]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._by_type)

    @override
    def __len__(self) -> int:
        return len(self._by_type)
