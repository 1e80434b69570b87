"""Frozen dataclasses to TOML and back, strictly: every problem of a table is reported at once, with its path.

A field is declared with `setting(default, help, ...)`, which keeps its range and its sentence of help beside it; the
command line and the error messages are made from these. Understood types: bool, int, float, str, enums, tuples of
strings, tables of strings or of numbers, a number that may also be one of some `Words`, and `X | None` of these (None is
written by leaving the key out). Tables and tuples may also be written as one text: "a=1, b=2" and "a, b".
"""

from __future__ import annotations

import dataclasses
import enum
import math
import re
import sys
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import tomli_w

from luthier.errors import ConfigError, nearest
from luthier.files import whole_file

T = typing.TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Limits:
    """The values that a number may take: `low <= value <= high`, or `low < value` when `open_low`."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False

    def admits(self, value: float) -> bool:
        """Whether `value` is finite and inside."""
        return math.isfinite(value) and value <= self.high and (value > self.low if self.open_low else value >= self.low)

    def __str__(self) -> str:
        parts = []
        if self.low > -math.inf:
            parts.append(f"{'above' if self.open_low else 'at least'} {self.low:,.10g}")
        if self.high < math.inf:
            parts.append(f"at most {self.high:,.10g}")
        return " and ".join(parts) or "a finite number"


FINITE = Limits()


@dataclasses.dataclass(frozen=True)
class Words:
    """The texts that a number's field may hold instead, as in `Annotated[int | str, Words("half|all", "half or all")]`.

    `pattern` is a regular expression of the whole text; `said` names the texts in an error message.
    """

    pattern: str
    said: str


def setting(default: Any, help: str, limits: Limits = FINITE, **more: Any) -> Any:
    """Declare a field of a configuration dataclass with its default, its sentence of help and its range.

    What is in `more` joins the field's metadata.
    """
    metadata = {"help": help, "limits": limits, **more}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def field_types(cls: type) -> dict[str, Any]:
    """The resolved annotation of each field of the dataclass `cls`, in order."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def optional(kind: Any) -> tuple[Any, bool]:
    """Split `X | None` into (X, True); anything else is (kind, False)."""
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        (inner,) = [part for part in typing.get_args(kind) if part is not type(None)]
        return inner, True
    return kind, False


def convert(kind: Any, value: Any) -> Any:
    """`value`, as read from TOML or a command line, as `kind`.

    Raises:
        ValueError: it is not one; the message says what was expected.
    """
    if typing.get_origin(kind) is Annotated:
        kinds, words = typing.get_args(kind)
        return _number_or_word(kinds, words, value)
    kind, may_be_none = optional(kind)
    if value is None or (may_be_none and value == ""):
        if may_be_none:
            return None
        raise ValueError("expected a value")
    if typing.get_origin(kind) is tuple:
        return _texts(value)
    if typing.get_origin(kind) is dict:
        return _table(typing.get_args(kind)[1], value)
    if issubclass(kind, enum.Enum):
        return _member(kind, value)
    return _scalar(kind, value)


def _number_or_word(kinds: Any, words: Words, value: Any) -> int | float | str:
    """A number of the kind that is in the union `kinds`, or one of `words`."""
    (kind,) = [part for part in typing.get_args(kinds) if part is not str]
    if isinstance(value, str) and re.fullmatch(words.pattern, value.strip()):
        return value.strip()
    try:
        number: int | float = _scalar(kind, value)
        return number
    except ValueError as error:
        raise ValueError(f"{error}, or {words.said}") from None


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ValueError("expected a list of texts")
    return tuple(value)


def _table(kind: type, value: Any) -> dict[str, Any]:
    """A table of `kind`, its keys in alphabetical order where the values are numbers (there the order means nothing)."""
    if isinstance(value, str):
        parts = [part.partition("=") for part in value.split(",") if part.strip()]
        if not all(name.strip() and equals for name, equals, _ in parts):
            raise ValueError("expected NAME=VALUE, NAME=VALUE, …")
        names = [name.strip() for name, _, _ in parts]
        if len(set(names)) < len(names):
            raise ValueError("a name is given twice")
        value = {name.strip(): number.strip() for name, _, number in parts}
    if not isinstance(value, Mapping):
        raise ValueError("expected a table")
    if kind is str:
        return {str(key): as_text(item) for key, item in value.items()}
    odd = [str(key) for key in value if not re.fullmatch(r"[^,;=\s]+", str(key))]
    if odd:
        raise ValueError(f"'{odd[0]}' is not a name: it is empty, or holds a space, a comma, a semicolon or an equals sign")
    return {str(key): _scalar(kind, value[key]) for key in sorted(value, key=str)}


def _member(kind: type[enum.Enum], value: Any) -> enum.Enum:
    if isinstance(value, kind):
        return value
    names = [str(member.value) for member in kind]
    if str(value) not in names:
        raise ValueError(f"expected one of {', '.join(names)}.{nearest(str(value), names)}".rstrip("."))
    return kind(str(value))


def _scalar(kind: type, value: Any) -> Any:
    if kind is bool:
        words = {"true": True, "false": False}
        if isinstance(value, bool):
            return value
        if str(value).lower() in words:
            return words[str(value).lower()]
        raise ValueError("expected true or false")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"expected {_NOUNS.get(kind, kind.__name__)}")
    if kind is str:
        return str(value)
    try:
        return _whole(value) if kind is int else float(value) + 0.0  # minus zero is zero
    except (ValueError, OverflowError):
        raise ValueError(f"expected {_NOUNS[kind]}") from None


def _whole(value: str | int | float) -> int:
    """16, "16", 16.0 and "1e3" as whole numbers, exactly."""
    try:
        number = value if isinstance(value, int) else int(str(value))
    except ValueError:
        number = int(float(value))
        if number != float(value):
            raise
    if abs(number) > sys.float_info.max:
        raise OverflowError
    return number


_NOUNS = {int: "a whole number", float: "a number", str: "a text"}


def problems(instance: Any) -> list[str]:
    """What is wrong with the field values of a configuration dataclass, one sentence each."""
    found = []
    for field, kind in zip(dataclasses.fields(instance), field_types(type(instance)).values(), strict=True):
        value = getattr(instance, field.name)
        try:
            converted = convert(kind, value)
        except ValueError as error:
            found.append(f"{field.name} = {shown(value)}: {error}")
            continue
        limits: Limits = field.metadata.get("limits", FINITE)
        for number in converted.values() if isinstance(converted, dict) else (converted,):
            if isinstance(number, int | float) and not isinstance(number, bool) and not limits.admits(number):
                found.append(f"{field.name} = {shown(value)}: must be {limits}")
    return found


def validate(instance: Any) -> None:
    """Check a frozen configuration dataclass on creation, and give its fields their declared types.

    Raises:
        ConfigError: naming every field that is wrong, with its range.
    """
    found = problems(instance)
    if found:
        raise ConfigError("\n".join(found))
    for name, kind in field_types(type(instance)).items():
        object.__setattr__(instance, name, convert(kind, getattr(instance, name)))


def build(cls: type[T], table: Mapping[str, Any], where: str = "") -> T:
    """An instance of the configuration dataclass `cls` from a table.

    Raises:
        ConfigError: listing every unknown key (with the nearest known one) and every wrong value, after `where`.
    """
    known = field_types(cls)
    unknown = [f"{key}: no such setting.{nearest(key, known)}" for key in table if key not in known]
    try:
        made = cls(**{key: value for key, value in table.items() if key in known})
        if not unknown:
            return made
        found = unknown
    except ConfigError as error:
        found = unknown + str(error).splitlines()
    raise ConfigError("\n".join(f"{where}: {line}" if where else line for line in found))


def shown(value: Any) -> str:
    """A value as a person would write it in a configuration file, numbers to six digits."""
    return "none" if isinstance(value, Mapping | tuple | list) and not value else as_text(value, "g")


def as_text(value: Any, digits: str = "") -> str:
    """A value as one text that `convert` reads back, exactly unless `digits` (a format) rounds its numbers."""
    if value is None:
        return ""
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return format(value, digits) if digits else repr(float(value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={as_text(item, digits)}" for key, item in value.items())
    if isinstance(value, tuple | list):
        return ", ".join(as_text(item, digits) for item in value)
    return str(value)


def to_table(instance: Any) -> dict[str, Any]:
    """A configuration dataclass as plain TOML values; None fields are left out."""
    table = {}
    for field in dataclasses.fields(instance):
        value = getattr(instance, field.name)
        if value is not None:
            table[field.name] = plain(value)
    return table


def plain(value: Any) -> Any:
    """Enums, tuples and paths as the texts and lists that TOML and JSON know."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return value


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        ConfigError: it is missing, cannot be read, or is not TOML; says the line.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {'is a folder' if path.is_dir() else error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a TOML file: {error}") from None


def write_toml(path: Path, tables: Mapping[str, Any]) -> None:
    """Write nested tables of plain values as TOML; the file appears whole or not at all."""
    with whole_file(path, again=True) as stream:
        stream.write(tomli_w.dumps(plain(tables)))
