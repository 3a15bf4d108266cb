"""Reading a script through: which of its commands would do what to a fresh root.

Nothing is executed: each command is looked up among those whose effect is known. A command that is not known
is noted, with what hangs on it, and reading goes on with the next one: what a script declares besides, such
as its users, is then in the image all the same.
"""

import re

from witchery.compose.script_commands import COMMANDS, PRINTING, Action
from witchery.compose.script_rules import KNOWN
from witchery.compose.script_state import Ended, NotUnderstood, State
from witchery.compose.shell_syntax import (
    Command,
    Function,
    If,
    Opaque,
    Redirection,
    Script,
    Simple,
    fingerprint,
)

_ASSIGNED = re.compile(r"(?:^|\s|;)([A-Za-z_][A-Za-z0-9_]*)=|\b(?:for|read)\s+([A-Za-z_][A-Za-z0-9_]*)")
_DISCARDED = frozenset(("/dev/null", "/dev/stderr", "/dev/stdout"))
_SHOWN = 60

Status = bool | None


def run(script: Script, state: State) -> None:
    """Reads a whole script; what it does and what is not understood is in the state."""
    try:
        _steps(script, state)
    except Ended:
        return


def _steps(script: Script, state: State, *, tested: bool = False) -> Status:
    """A list of commands; the status of the last. An unknown status passes over what hangs on it."""
    status: Status = True
    for position, (joint, negated, command) in enumerate(script):
        if joint != ";" and (status is None or status is (joint == "||")):
            continue
        status = _command(command, state)
        if negated and status is not None:
            status = not status
        last = position + 1 == len(script) or script[position + 1].joint == ";"
        if state.errexit and status is False and last and not (tested or negated or joint == "&&"):
            raise Ended
    return status


def _command(command: Command, state: State) -> Status:
    if isinstance(command, Function):
        state.functions.add(command.name)
        return True
    if isinstance(command, If):
        return _if(command, state)
    if isinstance(command, Opaque):
        return _opaque(command, state)
    return _simple(command, state)


def _if(command: If, state: State) -> Status:
    for condition, then in command.branches:
        status = _steps(condition, state, tested=True)
        if status is None:
            return None
        if status:
            return _steps(then, state)
    return _steps(command.otherwise, state) if command.otherwise else True


def _opaque(command: Opaque, state: State) -> Status:
    for names in _ASSIGNED.findall(command.text):
        state.variables.pop(names[0] or names[1], None)
    return _known(command.fingerprint, command.text, command.line, state)


def _known(mark: str, text: str, line: int, state: State) -> Status:
    """What is known of a command by its text; if nothing, that is noted."""
    known = KNOWN.get(mark)
    if known is None:
        _note(state, line, text, "")
        return None
    there = next((path for path in known.absent if state.root.draft.exists(path)), None)
    if there is not None:
        _note(state, line, text, f"`/{there}` exists")
        return None
    state.variables.update(known.sets)
    return known.status


def _simple(command: Simple, state: State) -> Status:
    values = [word.value(state.variables) for word in command.words]
    for name, word in command.assignments:
        value = word.value(state.variables)
        if values or value is None:
            state.variables.pop(name, None)
        else:
            state.variables[name] = value
    if not values:
        return True
    if fingerprint(command.text) in KNOWN:
        return _known(fingerprint(command.text), command.text, command.line, state)
    try:
        return _effect(command, values, state)
    except NotUnderstood as reason:
        _note(state, command.line, command.text, str(reason))
        return None


def _effect(command: Simple, values: list[str | None], state: State) -> bool:
    name = values[0]
    ends = name == "exec"
    words = values[1:] if ends else values
    if not words or words[0] is None:
        raise NotUnderstood("")
    action, arguments, name = _action(words[0], words[1:], state)
    for redirection in command.redirections:
        _check_redirection(redirection, name)
    if name in PRINTING:
        if any(word.pieces is None and ("$(" in word.raw or "`" in word.raw) for word in command.words):
            raise NotUnderstood("")
        status = True
    else:
        known = [argument for argument in arguments if argument is not None]
        if len(known) < len(arguments) and name not in {"exit", "return"}:
            raise NotUnderstood("what its arguments would be is not known")
        status = action(state, known)
    if ends:
        raise Ended
    return status


def _action(word: str, arguments: list[str | None], state: State) -> tuple[Action, list[str | None], str]:
    """What a command's name stands for; applets may be called through busybox."""
    name = word.rpartition("/")[2]
    if name == "busybox" and arguments and arguments[0] is not None and not arguments[0].startswith("-"):
        return _action(arguments[0], arguments[1:], state)
    if name in state.functions or name not in COMMANDS:
        raise NotUnderstood("")
    return COMMANDS[name], arguments, name


def _check_redirection(redirection: Redirection, name: str) -> None:
    """Output may be thrown away or go to the terminal; input comes from a here-document that is printed."""
    operator = redirection.operator.lstrip("0123456789")
    target = redirection.target.value({})
    if operator in {"<<", "<<-"} and name == "cat" and target is not None:
        return
    if operator in {">", ">>", "&>"} and target in _DISCARDED:
        return
    if operator == ">&" and target in {"1", "2"}:
        return
    raise NotUnderstood("")


def _note(state: State, line: int, text: str, reason: str) -> None:
    shown = " ".join(text.split())
    shown = shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 1]}…"
    state.problems.append(f"line {line}: `{shown}`{f': {reason}' if reason else ''}")
