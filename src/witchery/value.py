"""Frozen values, made cheaply: what `dataclasses` does, without writing code for every class.

    @frozen
    class Point:
        x: int
        y: int = 0

`dataclasses` writes, compiles and runs six functions for each class, half a millisecond in all. A warm build
loads a hundred classes, and would spend a third of its time so (docs/adr/0004-values.md). Here the functions
are written once, and look at the class's fields when they run. A type checker sees dataclasses (PEP 681).

Values are frozen, slotted, compared and hashed by their fields, and printed with them. What is not needed is
not here: no fields from a base class, no values that change.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar, dataclass_transform, overload

_T = TypeVar("_T")
MISSING: Any = object()
"""What a field without a default has."""
_set = object.__setattr__


class Field(NamedTuple):
    """One field of a value.

    Attributes:
        name: Its name.
        default: What it is when not given.
        default_factory: Makes what it is when not given.
        repr: Whether it is printed.
        compare: Whether it counts in comparisons.
        hash: Whether it counts in the hash.
        metadata: Whatever its author attached to it.
    """

    name: str
    default: Any = MISSING
    default_factory: Callable[[], Any] | None = None
    repr: bool = True
    compare: bool = True
    hash: bool = True
    metadata: Mapping[str, Any] = {}

    def initial(self, owner: str) -> Any:
        """What the field is when it was not given.

        Raises:
            TypeError: if it has to be given.
        """
        if self.default_factory is not None:
            return self.default_factory()
        if self.default is MISSING:
            raise TypeError(f"{owner} misses the argument `{self.name}`")
        return self.default


def field(
    *,
    default: Any = MISSING,
    default_factory: Callable[[], Any] | None = None,
    repr: bool = True,  # noqa: A002 - the names that PEP 681 knows
    compare: bool = True,
    hash: bool = True,  # noqa: A002
    metadata: Mapping[str, Any] | None = None,
) -> Any:
    """Declares a field with more than a default; see `Field`."""
    return Field("", default, default_factory, repr, compare, hash and compare, metadata or {})


@overload
def frozen(cls: type[_T], /) -> type[_T]: ...


@overload
def frozen(
    *, kw_only: bool = False, order: bool = False, eq: bool = True, repr: bool = True
) -> Callable[[type[_T]], type[_T]]: ...


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(
    cls: type[_T] | None = None,
    /,
    *,
    kw_only: bool = False,
    order: bool = False,
    eq: bool = True,
    repr: bool = True,  # noqa: A002 - the name that PEP 681 knows
) -> type[_T] | Callable[[type[_T]], type[_T]]:
    """Makes a class of annotated fields a value.

    Args:
        cls: The class.
        kw_only: Whether fields are given by name only.
        order: Whether values are ordered, by their fields from the first on.
        eq: False where a value equals only itself.
        repr: False where the class prints itself.
    """

    def decorate(cls: type[_T]) -> type[_T]:
        shared = dict(_METHODS)
        if repr:
            shared["__repr__"] = _repr
        if eq:
            shared |= _EQUALITY
        if order:
            shared |= _ORDER
        return _made(cls, shared, kw_only=kw_only)

    return decorate if cls is None else decorate(cls)


def fields(cls: Any) -> tuple[Field, ...]:
    """The fields of a value or its class, in order."""
    found: tuple[Field, ...] = cls.__value_fields__
    return found


def replace(instance: _T, **changes: Any) -> _T:
    """The value with some fields changed; checked anew like any new one.

    Raises:
        TypeError: if it has no such field.
    """
    kept = {each.name: getattr(instance, each.name) for each in fields(instance)}
    if unknown := changes.keys() - kept.keys():
        raise TypeError(f"{type(instance).__name__} has no field `{min(unknown)}`")
    made: _T = _remade(type(instance), kept | changes)
    _finish(made)
    return made


def _made(cls: type[_T], shared: Mapping[str, Any], *, kw_only: bool) -> type[_T]:
    """The class again, with slots and the shared methods."""
    namespace = dict(cls.__dict__)
    declared = []
    for name in cls.__annotations__:
        default = namespace.pop(name, MISSING)
        declared.append(default._replace(name=name) if isinstance(default, Field) else Field(name, default))
    namespace.pop("__dict__", None)
    namespace.pop("__weakref__", None)
    namespace["__slots__"] = tuple(each.name for each in declared)
    namespace["__value_fields__"] = tuple(declared)
    namespace["__match_args__"] = () if kw_only else namespace["__slots__"]
    make: Any = type(cls)
    made: type[_T] = make(cls.__name__, cls.__bases__, {**shared, **namespace})
    made.__qualname__ = cls.__qualname__
    return made


def _init(self: Any, *args: Any, **kwargs: Any) -> None:
    cls = type(self)
    declared: tuple[Field, ...] = cls.__value_fields__
    if len(args) > len(cls.__match_args__):
        raise TypeError(
            f"{cls.__name__} takes {len(cls.__match_args__)} positional arguments, got {len(args)}"
        )
    for each, given in zip(declared, args, strict=False):
        _set(self, each.name, given)
    for each in declared[len(args) :] if args else declared:
        name = each.name
        _set(self, name, kwargs.pop(name) if name in kwargs else each.initial(cls.__name__))
    if kwargs:
        raise TypeError(f"{cls.__name__} has no field `{min(kwargs)}`, or it was given twice")
    _finish(self)


def _remade(cls: type[_T], given: Mapping[str, Any]) -> _T:
    made = object.__new__(cls)
    for name, content in given.items():
        _set(made, name, content)
    return made


def _reduce(self: Any) -> tuple[Any, ...]:
    """For `copy` and `pickle`, which would set attributes one by one."""
    return _remade, (type(self), {each.name: getattr(self, each.name) for each in fields(self)})


def _finish(self: Any) -> None:
    check = getattr(type(self), "__post_init__", None)
    if check is not None:
        check(self)


def _repr(self: Any) -> str:
    shown = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
    return f"{type(self).__qualname__}({shown})"


def _frozen(self: Any, name: str, *_: object) -> None:
    raise AttributeError(f"{type(self).__name__} is frozen: `{name}` cannot change")


def _compared(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, each.name) for each in fields(self) if each.compare)


def _eq(self: Any, other: object) -> Any:
    return _compared(self) == _compared(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    parts = (getattr(self, each.name) for each in fields(self) if each.hash)
    return hash(tuple(tuple(sorted(part.items())) if isinstance(part, Mapping) else part for part in parts))


def _comparison(compare: Callable[[Any, Any], bool]) -> Callable[[Any, object], Any]:
    def method(self: Any, other: object) -> Any:
        if type(other) is not type(self):
            return NotImplemented
        return compare(_compared(self), _compared(other))

    return method


_METHODS: dict[str, Any] = {
    "__init__": _init,
    "__setattr__": _frozen,
    "__delattr__": _frozen,
    "__reduce__": _reduce,
}
_EQUALITY = {"__eq__": _eq, "__hash__": _hash}
_ORDER = {
    "__lt__": _comparison(lambda a, b: a < b),
    "__le__": _comparison(lambda a, b: a <= b),
    "__gt__": _comparison(lambda a, b: a > b),
    "__ge__": _comparison(lambda a, b: a >= b),
}
