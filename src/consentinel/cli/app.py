"""The command `consentinel`: find the room and the verb, call it, say how it ended.

`consentinel --help` imports no room; `consentinel <room> --help` imports the verbs of that room only.
"""

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from consentinel.core.errors import ConsentinelError, UsageError

__all__ = ["main", "run"]

STOPPED = 130  # what a shell reports for a program that Ctrl-C stopped
OWN = {
    "parts": "list the parts on the shelves: consentinel parts [SHELF]",
    "settings": "list the settings, their values and where each was set",
}
EXIT_CODES = """exit codes:
  0 clean   1 potential violations at or above --fail-on   2 usage   3 undecided only   4 budget refused   5 error"""


def main() -> NoReturn:
    """Run the command line of this process and exit."""
    sys.exit(run(sys.argv[1:]))


def run(argv: list[str], package: str = "consentinel") -> int:
    """Run the command ARGV with the rooms of PACKAGE and return the exit code."""
    debug = "--debug" in argv
    try:
        return _dispatch([word for word in argv if word != "--debug"], package)
    except KeyboardInterrupt:
        _complain("stopped; what was finished is kept")
        return STOPPED
    except Exception as why:
        if debug:
            import traceback

            traceback.print_exc()
        _complain(_explain(why))
        return why.exit_code if isinstance(why, ConsentinelError) else ConsentinelError.exit_code


def _dispatch(argv: list[str], package: str) -> int:
    from consentinel.cli.rooms import parts, rooms

    first = argv[0] if argv else "--help"
    rest = argv[1:]
    if first == "--version":
        _say(f"{package} {import_module(package).__version__}")
    elif first in ("--help", "-h"):
        _say(_front(package))
    elif first == "parts" and len(rest) <= 1 and not {"-h", "--help"} & set(rest):
        _say(parts(package, rest[0] if rest else None))
    elif first == "settings" and not rest:
        _say(_settings())
    elif first in OWN and {"-h", "--help"} & set(rest):
        _say(f"consentinel {first}: {OWN[first]}")
    elif first in OWN:
        raise UsageError(f"'{rest[-1]}' is too much here; {OWN[first]}")
    elif first in rooms(package):
        return _room(package, first, rest)
    else:
        raise UsageError(_unknown("command", first, [*rooms(package), *OWN], "consentinel"))
    return 0


def _room(package: str, room: str, argv: list[str]) -> int:
    from consentinel.cli.command import asked, described, parser

    module = import_module(f"{package}.{room}.verbs")
    verbs = {name.rstrip("_").replace("_", "-"): getattr(module, name) for name in module.__all__}
    name = argv[0] if argv else "--help"
    if name in ("--help", "-h"):
        lines = [(verb, described(function)[0].partition("\n")[0]) for verb, function in verbs.items()]
        _say(f"usage: consentinel {room} <verb> [arguments]\n\nverbs:\n{_columns(lines)}\n\n{EXIT_CODES}")
        return 0
    if name not in verbs:
        raise UsageError(_unknown("verb", name, list(verbs), f"consentinel {room}"))
    from inspect import signature

    from consentinel.core.settings import given

    here = {key: value for key, (value, _) in given(Path.cwd(), os.environ).items()}
    made = parser(verbs[name], f"consentinel {room} {name}", here)
    try:
        arguments = {key: here[key] for key in here.keys() & signature(verbs[name]).parameters} | asked(made, argv[1:])
    except SystemExit as stop:  # argparse printed the help
        return int(stop.code or 0)
    try:
        outcome = verbs[name](**arguments)
    except KeyboardInterrupt:
        out = arguments.get("out")
        _complain("stopped; what was finished is kept" + (f" in {out}" if out else ""))
        return STOPPED
    _say(outcome.text)
    return int(outcome.exit_code)


def _front(package: str) -> str:
    from consentinel.cli.rooms import rooms, summary

    lines = [(room, summary(package, room)) for room in rooms(package)]
    head = (import_module(package).__doc__ or "").partition("\n")[0]
    usage = "usage: consentinel <room> <verb> [arguments]\n       consentinel <room> --help"
    general = [("--help", "this page"), ("--version", "the version"), ("--debug", "show the traceback of an error")]
    return (
        f"{head}\n\n{usage}\n\nrooms:\n{_columns(lines)}\n\nmore:\n{_columns([*OWN.items(), *general])}\n\n{EXIT_CODES}"
    )


def _settings() -> str:
    from dataclasses import fields

    from consentinel.core.settings import Settings, given

    here = given(Path.cwd(), os.environ)
    lines = []
    for one in fields(Settings):
        value, where = here.get(one.name, (one.default, "default"))
        lines.append((one.name, f"{'-' if value is None else value} ({where}): {one.metadata['help']}"))
    return _columns(lines)


def _columns(lines: list[tuple[str, str]]) -> str:
    width = max((len(left) for left, _ in lines), default=0)
    return "\n".join(f"  {left:{width}}  {right}" for left, right in lines)


def _unknown(kind: str, name: str, there: list[str], prog: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, there, n=1)
    return f"there is no {kind} '{name}'; " + (f"did you mean: {prog} {near[0]}" if near else f"see: {prog} --help")


def _explain(why: Exception) -> str:
    """Return a message for WHY that holds no value of the data."""
    if isinstance(why, ConsentinelError):
        return str(why)
    if isinstance(why, OSError) and why.filename and why.strerror:
        return f"{Path(os.fsdecode(why.filename)).name}: {why.strerror}"
    trace = why.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "unknown place"
    return f"a fault in the program ({type(why).__name__}, {where}); run it again with --debug to see all of it"


def _say(text: str) -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError:  # the reader, for example head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(text: str) -> None:
    print(f"consentinel: {text}", file=sys.stderr)
