"""From a method's text to the method: its spelling and identity without torch, its construction with it."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from peephole.attributions.adapters.base import ADAPTERS
from peephole.attributions.adapters.installed import library_version
from peephole.attributions.base import ATTRIBUTIONS, Attribution
from peephole.attributions.construction import construct
from peephole.attributions.spec import MethodSpec, parse
from peephole.errors import PeepholeError, UnknownName
from peephole.texts.spec import Value


def resolve(text: str) -> str:
    """The one spelling of a method's text, its names as they are registered; torch-free.

    Whether the options fit the method is not known before it is built.

    Raises:
        PeepholeError: the text is malformed, or names a method or library that does not exist.
    """
    return str(_resolved(parse(text)))


def names_in(text: str) -> tuple[str, ...]:
    """The names (``name`` or ``library:name``) of all methods in a text, the outermost first; torch-free."""
    return tuple(spec.full_name for spec in _resolved(parse(text)).specs())


def is_plain(text: str) -> bool:
    """Whether a text is the mere name of one of our methods, of which nothing can be wrong."""
    return parse(text).is_plain


def digest(text: str) -> str:
    """A digest of everything that makes a method what it is: text, code, and libraries' versions; torch-free.

    Of a plain name it is the registry's.

    Raises:
        PeepholeError: see `resolve`; or a library is not installed.
    """
    spec = _resolved(parse(text))
    if spec.is_plain:
        return ATTRIBUTIONS.digest(spec.name)
    parts = [str(spec), *map(_code, spec.specs())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def build(text: str) -> Attribution:
    """Import and construct the method.

    Raises:
        PeepholeError: see `resolve`; or an option does not exist, is missing, of the wrong type or out of range; or a
            library is not installed, or has no such method.
    """
    return construct(_resolved(parse(text)))


def _resolved(spec: MethodSpec) -> MethodSpec:
    changed = replace(
        spec,
        arguments=tuple(_resolved_value(value, spec) for value in spec.arguments),
        options=tuple((name, _resolved_value(value, spec)) for name, value in spec.options),
    )
    if spec.library is None:
        return replace(changed, name=ATTRIBUTIONS.resolve(spec.name))
    changed = replace(changed, library=ADAPTERS.resolve(spec.library))
    if len(list(changed.specs())) > 1 or changed.arguments:
        raise PeepholeError(
            f"{spec} has {'an option without a name' if spec.arguments else 'a method among its options'}; options of "
            "a library's method are values with names, such as captum:IntegratedGradients(n_steps=20)."
        )
    return changed


def _resolved_value(value: Value, outer: MethodSpec) -> Value:
    if isinstance(value, tuple):
        return tuple(_resolved_value(part, outer) for part in value)
    if not isinstance(value, MethodSpec):
        return value
    try:
        return _resolved(value)
    except UnknownName as error:
        if value.is_plain:
            raise PeepholeError(f"{outer}: {error} If '{value}' is text and no method, put it in quotes.") from error
        raise


def _code(spec: MethodSpec) -> str:
    if spec.library is None:
        return ATTRIBUTIONS.digest(spec.name)
    return f"{ADAPTERS.digest(spec.library)} {library_version(spec.library)}"
