"""From a method's spec to the method: options are checked against what its class takes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass
from typing import Any, NoReturn

from pydantic import ValidationError

from peephole.attributions.adapters.base import ADAPTERS
from peephole.attributions.base import ATTRIBUTIONS, Attribution
from peephole.attributions.spec import MethodSpec, Value, spell
from peephole.errors import PeepholeError


def construct(spec: MethodSpec) -> Attribution:
    """Import and construct the method of a spec whose names are registered ones.

    Raises:
        PeepholeError: an option does not exist, is missing, of the wrong type or out of range; or a library is not
            installed, or has no such method.
    """
    if spec.library is not None:
        return ADAPTERS[spec.library](spec.name, dict(spec.options))
    kind = ATTRIBUTIONS[spec.name]
    parameters = _parameters(kind)
    given = _given(spec, parameters)
    try:
        method = kind(**{name: _built(value) for name, value in given.items()})
    except ValidationError as error:
        _refuse(spec, parameters, _reason(error, given))
    except (TypeError, ValueError) as error:  # a method of somebody else that checks its options itself
        _refuse(spec, parameters, " ".join(str(error).split()))
    for name, value in given.items():
        kept = getattr(method, name, None)
        if _sort(value) and _sort(kept) and _sort(value) != _sort(kept):  # pydantic takes True for 1 and '1' for 1
            _refuse(spec, parameters, f"{name} should be a {_sort(kept)}, not {spell(value)}")
    return method


def options_of(name: str) -> str:
    """The options of one of our methods with their defaults, ``samples=25, noise=0.15``; imports it."""
    return _listed(_parameters(ATTRIBUTIONS[name]))


def _parameters(kind: type[Attribution]) -> Mapping[str, inspect.Parameter]:
    """What the constructor takes by name."""
    parameters = inspect.signature(kind).parameters
    return {name: each for name, each in parameters.items() if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)}


def _given(spec: MethodSpec, parameters: Mapping[str, inspect.Parameter]) -> dict[str, Value]:
    """The values of a text by the names of the options."""
    if len(spec.arguments) > len(parameters):
        _refuse(spec, parameters, "more values than options")
    given = dict(zip(parameters, spec.arguments, strict=False))
    for name, value in spec.options:
        if name not in parameters:
            _refuse(spec, parameters, f"there is no option {name}")
        if name in given:
            _refuse(spec, parameters, f"{name} is given twice")
        given[name] = value
    missing = [name for name, each in parameters.items() if each.default is each.empty and name not in given]
    if missing:
        _refuse(spec, parameters, f"{missing[0]} is missing")
    return given


def _built(value: Value) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_built, value))
    return construct(value) if isinstance(value, MethodSpec) else value


def _reason(error: ValidationError, given: Mapping[str, Value]) -> str:
    """What pydantic found first, in words about the option."""
    first = error.errors(include_url=False)[0]
    option = next((str(part) for part in first["loc"] if part in given), "")
    message = " ".join(first["msg"].removeprefix("Value error, ").split())
    if not option or first["type"] == "value_error":
        return f"{option}: {message}" if option else message
    return f"{message.replace('Input', option)}, not {spell(given[option])}"


def _refuse(spec: MethodSpec, parameters: Mapping[str, inspect.Parameter], reason: str) -> NoReturn:
    taken = f"takes {_listed(parameters)}" if parameters else "takes no options"
    raise PeepholeError(f"{spec}: {reason}; {spec.name} {taken}.")


def _listed(parameters: Mapping[str, inspect.Parameter]) -> str:
    return ", ".join(
        name if each.default is each.empty else f"{name}={_written(each.default)}" for name, each in parameters.items()
    )


def _written(default: object) -> str:
    """A default as people would write it; of a method, its name and the options that differ from its own defaults."""
    if not isinstance(default, Attribution):
        return repr(default)
    own: tuple[Field[Any], ...] = fields(default) if is_dataclass(default) else ()
    changed = {each.name: getattr(default, each.name) for each in own if getattr(default, each.name) != each.default}
    options = [f"{name}={_written(value)}" for name, value in changed.items()]
    name = type(default).__module__.rpartition(".")[2]
    return f"{name}({', '.join(options)})" if options else name


def _sort(value: object) -> str | None:
    """The sort of a simple value, which an option keeps."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else None
