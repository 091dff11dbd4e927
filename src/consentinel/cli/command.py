"""Build a command from a verb: its options from the signature, its help from the docstring.

The docstring of a verb starts with one plain sentence. A block headed `Args:` has one line `name: text` for each
parameter; a line that is indented deeper continues the one before. Text between the two is shown below the sentence.
"""

import argparse
import inspect
import math
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

from consentinel.core.errors import ContractBroken, UsageError

__all__ = ["asked", "described", "options", "parser"]

Verb = Callable[..., Any]
SCALARS = (str, int, float, Path)


class _Parser(argparse.ArgumentParser):
    """A parser that raises UsageError where argparse would exit."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}. See: {self.prog} --help")


def described(verb: Verb) -> tuple[str, dict[str, str]]:
    """Return the description of VERB and the help of each parameter, both from its docstring."""
    text: list[str] = []
    helps: dict[str, str] = {}
    inside, last, indent = False, "", 0
    for line in (inspect.getdoc(verb) or "").splitlines():
        word = line.strip()
        depth = len(line) - len(line.lstrip())
        if word and depth == 0:
            heading = word.endswith(":") and " " not in word
            inside = heading and word.removesuffix(":") == "Args"
            if heading and not inside:
                break
        if not inside:
            text.append(line)
        elif depth and ":" in word and (not last or depth <= indent):
            last, _, help_ = word.partition(":")
            helps[last], indent = help_.strip(), depth
        elif depth and last and word:
            helps[last] += f" {word}"
    return "\n".join(text).strip(), helps


def parser(verb: Verb, prog: str, defaults: Mapping[str, object]) -> argparse.ArgumentParser:
    """Return the parser of the command PROG that calls VERB; DEFAULTS replace defaults of the same name.

    Raises ContractBroken for a parameter that no command line can carry or that the docstring does not explain.
    """
    text, helps = described(verb)
    made = _Parser(
        prog=prog, description=text, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    hints = get_type_hints(verb, localns={"Outcome": object})
    for name, parameter in inspect.signature(verb).parameters.items():
        if name not in helps:
            raise ContractBroken(f"{prog}: parameter '{name}' has no line under 'Args:' in the docstring")
        positional = parameter.kind is not parameter.KEYWORD_ONLY
        needed = parameter.default is parameter.empty and name not in defaults
        start = defaults.get(name, None if needed else parameter.default)
        how = _how(hints[name], f"{prog}: parameter '{name}'", positional=positional)
        help_ = helps[name] if needed or start in (None, "", [], ()) else f"{helps[name]} (default: {start})"
        how["help"] = help_.replace("%", "%%")
        if positional:
            how["metavar"] = name.upper()
            if not needed:
                # argparse would hand a single SUPPRESS to the type as if it were a word
                how |= {"nargs": "*", "default": argparse.SUPPRESS} if "nargs" in how else {"nargs": "?"}
            made.add_argument(name, **how)
        else:
            flag = f"--{name.replace('_', '-')}"
            made.add_argument(flag, dest=name, required=needed, default=argparse.SUPPRESS, **how)
    made.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return made


def options(made: argparse.ArgumentParser) -> list[str]:
    """Return the option strings that the parser MADE knows."""
    return [text for action in made._actions for text in action.option_strings]


def asked(made: argparse.ArgumentParser, argv: list[str]) -> dict[str, Any]:
    """Return the arguments that ARGV gives to the verb; those left out keep the default of the verb.

    Raises UsageError; an unknown option is named together with the nearest one.
    """
    space, left = made.parse_known_args(argv)
    if left:
        near = get_close_matches(left[0].partition("=")[0], options(made), n=1)
        hint = f"did you mean {near[0]}?" if near else f"See: {made.prog} --help"
        raise UsageError(f"{made.prog}: '{left[0]}' is not known here; {hint}")
    return {name: value for name, value in vars(space).items() if name != "debug" and value is not None}


def _how(hint: Any, where: str, *, positional: bool) -> dict[str, Any]:
    """Return the keywords of add_argument for a parameter of type HINT."""
    if get_origin(hint) in (Union, UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not NoneType]
        if len(kinds) == 1:
            return _how(kinds[0], where, positional=positional)
    if hint is bool and not positional:
        return {"action": argparse.BooleanOptionalAction}
    if get_origin(hint) is list and get_args(hint)[0] in SCALARS:
        kind = _kind(get_args(hint)[0])
        return {"type": kind} | (
            {"nargs": "+"} if positional else {"action": "append", "metavar": _word(get_args(hint)[0])}
        )
    if get_origin(hint) is Literal:
        return {"choices": list(get_args(hint))}
    if hint in SCALARS:
        return {"type": _kind(hint), "metavar": _word(hint)}
    raise ContractBroken(f"{where} should be str, int, float, bool, Path, Literal or a list of one of them; got {hint}")


def _kind(hint: Any) -> Any:
    return _finite if hint is float else hint


def _word(hint: Any) -> str:
    return {str: "TEXT", int: "N", Path: "PATH"}.get(hint, "X")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"'{text}' is not a finite number")
    return number
