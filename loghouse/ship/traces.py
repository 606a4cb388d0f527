"""Which lines belong to one event: the stack traces of Java, Python, Go, PHP, Node, .NET and Ruby.

A line opens an event in a state; the state says which lines may follow and what state they lead to. Lines
that lead to a tentative state belong to the event only if a firm one comes after them, so what merely might
belong, such as an empty line, is never taken from the event that follows. JSON lines are whole records and
never part of another.
"""

from __future__ import annotations

import re
from typing import Protocol

from loghouse.linear import linear

State = str

DONE: State = "done"  # the event is complete with this line
_HEAD: State = "head"
_LOOKED_AT = 400  # bytes of a line that tell what it is


class Rules(Protocol):
    """How lines make up events."""

    trigger: bytes | None
    """What the text of a line that goes on an event, or opens one by its look, begins with; None for any.

    A RE2 expression; `<T>` stands for a tab, `<S>` for a space or tab and `<E>` for the end of the line.
    """

    def opens(self, text: bytes) -> State | None:
        """The state of an event that begins with this line, None if none does."""

    def follows(self, state: State, text: bytes) -> State | None:
        """The state after this line, None if it does not belong to the event."""

    def continues(self, text: bytes) -> bool:
        """Whether there is any state of an event that this line may follow."""

    def tentative(self, state: State) -> bool:
        """Whether lines that led to this state only belong to the event if more follow."""


_BLANK = rb"[ \t]*$"
_INDENTED = rb"[ \t]+\S"
_EXCEPTION_NAME = (
    rb"(?:[A-Za-z_$][\w$]*[.\\:/]+)*(?:[A-Za-z_$][\w$]*)?"
    rb"(?:Exception|Error|Throwable|Failure|Fault|Interrupt)\w*"
)
_EXCEPTION = _EXCEPTION_NAME + rb"(?:$|[:,]| \(| \[| with message)|(?:[a-z_$][\w$]*\.)+[A-Z][\w$]*(?:$|: )"
_RUBY_FRAME = rb"[ \t]*(?:from )?[^\s:]+:\d+:in [`'][^']*'$"
_FRAME = (
    rb"[ \t]+at \S|Caused by: |[ \t]*Suppressed: |[ \t]*--- End of |[ \t]+---> |[ \t]+\.\.\. \d+ |"
    + _RUBY_FRAME
)
_TRACEBACK = rb"Traceback \(most recent call last\)"
_GROUP = rb"[ \t]+\+ Exception Group Traceback"
_CHAINED = rb"During handling of the above exception|The above exception was the direct cause"
_GOROUTINE = rb"goroutine \d+ |runtime stack:"
_REGISTER = rb"[a-z0-9]{2,6} +0x[0-9a-f]+$"
_PHP_STACK = rb"#\d+ |(?:PHP )?Stack trace:|\[stacktrace\]|PHP +\d+\. "
# What database drivers add below an exception.
_DETAILS = rb"\[SQL: |\[parameters: |\(Background on this error|LINE \d+: |(?:DETAIL|HINT|CONTEXT|QUERY): "

_OPENS: dict[State, bytes] = {
    "traceback": _TRACEBACK,
    "group": _GROUP,
    "panic": rb"panic: |fatal error: |unexpected fault address |.{0,40}http: panic serving ",
    "goroutine": _GOROUTINE,
    "stack": _PHP_STACK,
    "frames": _FRAME,
    "entry": rb"(?:trce|dbug|info|warn|fail|crit): \S+\[\d+\]$",
    "source": rb"(?:file://|node:)?[\w./@~-]*[/.:][\w./@~-]*:\d+$",
    "slow": rb"\[[^\]]*\] +\[pool [^\]]*\] pid \d+$",
    "listing": rb"\[?\d{4}[-/]\d\d[-/]\d\d.{9,300}:\s*$",
    "key": rb".{0,200}-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----$",
    "exception": _EXCEPTION + rb"|(?i:unhandled exception|exception in thread |uncaught )",
}

_TRACES: dict[State, bytes] = {
    "traceback": _TRACEBACK,
    "group": _GROUP,
    "goroutine": _GOROUTINE,
    "stack": _PHP_STACK,
    "frames": _FRAME,
    "exception": _EXCEPTION,
}

# What may follow, by state: the states it leads to, tried in this order.
_FOLLOWS: dict[State, dict[State, bytes]] = {
    # A log line that tells of a failure.
    _HEAD: {**_TRACES, _HEAD: _INDENTED},
    # A log line that ends with a colon, and what it lists.
    "listing": {**_TRACES, "listing": _INDENTED},
    # The line that names an exception.
    "exception": {
        "traceback": _TRACEBACK,
        "stack": _PHP_STACK,
        "frames": _FRAME + b"|" + _INDENTED,
        "exception": _BLANK,
    },
    "frames": {
        "frames_gap": _BLANK,
        "frames": _FRAME + b"|" + _INDENTED + rb"|[}\])]+[,;]?\s*$",
    },
    "frames_gap": {"frames": rb"Caused by: ", DONE: rb"Node\.js v\d"},
    # Python: indented lines, then the one that names the exception.
    "traceback": {
        "traceback": _INDENTED + b"|" + _BLANK,
        "raised": rb"[A-Za-z_][\w.]*(?:\[[^\]]*\])?(?:$|:)",
    },
    "raised": {"raised_gap": _BLANK, "raised": _INDENTED + b"|" + _DETAILS, "chained": _CHAINED},
    "raised_gap": {"chained": _CHAINED},
    "chained": {"traceback": _TRACEBACK, "group": _GROUP, "chained": _BLANK},
    "group": {"raised_gap": _BLANK, "group": _INDENTED, "chained": _CHAINED},
    # Go.
    "panic": {
        "goroutine": _GOROUTINE,
        "panic_gap": _BLANK,
        "panic": rb"\[signal |panic: |fatal error: |PC=|SIG[A-Z]+: |" + _INDENTED,
    },
    "panic_gap": {"goroutine": _GOROUTINE, "panic": rb"\[signal |PC="},
    "goroutine": {
        "goroutine_gap": _BLANK,
        DONE: rb"exit status \d",
        "goroutine": b"|".join(
            (
                _GOROUTINE,
                _INDENTED,
                _REGISTER,
                rb"created by |\.\.\.|\[originating from|[A-Za-z_][^\s:=]{0,300}\(",
            )
        ),
    },
    "goroutine_gap": {"goroutine": _GOROUTINE + b"|" + _REGISTER, DONE: rb"exit status \d"},
    # PHP: numbered calls; Monolog and Laravel close the record that holds them.
    "stack": {
        "stack_gap": _BLANK,
        DONE: rb'"[},]',
        "stack": _PHP_STACK + rb"|\[previous exception\]|Next \S|[ \t]+(?:thrown\b|#\d+ )",
    },
    "stack_gap": {"stack": rb"Next \S|\[previous exception\]|(?:PHP )?Stack trace:"},
    # .NET's console logger writes what it says below the category.
    "entry": {"entry": rb" {6}"},
    # Node shows the source of what was thrown, then an empty line.
    "source": {"source_gap": _BLANK, "source": _INDENTED},
    "source_gap": {"thrown": _EXCEPTION + rb"|\[|Uncaught |Thrown at:"},
    "thrown": {"frames": _FRAME + b"|" + _INDENTED + rb"|[}\])]+\s*$", "frames_gap": _BLANK},
    # A private key, which can be masked only as a whole.
    "key": {DONE: rb"-----END ", "key": rb"[A-Za-z0-9+/=]{1,200}$|[A-Z][A-Za-z-]{1,20}: |" + _BLANK},
    # PHP-FPM's slow log.
    "slow": {"slow": rb"script_filename = |\[0x[0-9a-f]+\] "},
}
_TENTATIVE = frozenset((_HEAD, "exception", *(state for state in _FOLLOWS if state.endswith("_gap"))))

_FAILURE = linear(
    rb"(?i)\b(?:error|err|exception|fatal|critical|crit|severe|alert|emerg|emergency|panic|warn|warning|failed|"
    rb"failure|unhandled|uncaught)\b|(?-i:Exception|Error|Throwable)\b"
)
# PHP-FPM says of each line of a worker's output where it comes from.
_DECORATION = re.compile(
    rb'\[[^\]]{0,40}\] WARNING: \[pool [^\]]{0,80}\] child (\d+) said into std(?:err|out): "(?:NOTICE: )?'
    rb"(?:PHP message: )?"
)

_TRIGGER = rb"|".join(
    (
        rb"<T>[^ \n]|<S>+(?:at [^ \n]|\+ Exception Group |from [^ \n]+:\d+:in |\^+<E>|---> )",
        rb"Caused by: |Traceback \(most |goroutine \d+ \[|panic: |fatal error: ",
        rb"#\d+ |(?:PHP )?Stack trace:|\[stacktrace\]|PHP +\d+\. |script_filename = ",
        rb"(?:trce|dbug|info|warn|fail|crit): [^ \n]+\[\d+\]<E>",
        rb"[\w./-]+\.rb:\d+:in |-----BEGIN ",
    )
)


class Traces:
    """Stack traces with the log lines that introduce them, known by their look; nothing else is joined."""

    trigger: bytes | None = (
        rb"(?:\[[^\]\n]{0,40}\] WARNING: \[pool [^\]\n]{0,80}\] child \d+ said into std(?:err|out): "
        rb'\\?"(?:NOTICE: )?(?:PHP message: )?)?(?:' + _TRIGGER + b")"
    )

    def __init__(self) -> None:
        self._opens = _compiled(_OPENS)
        self._follows = {state: _compiled(targets) for state, targets in _FOLLOWS.items()}
        every = dict.fromkeys(each for targets in _FOLLOWS.values() for each in targets.values())
        self._continues = re.compile(b"|".join(b"(?:%s)" % each for each in every))

    def opens(self, text: bytes) -> State | None:
        child, inner = _undecorated(text)
        if inner[:1] == b"{":
            return None
        match = self._opens.match(inner)
        state = match.lastgroup if match else _HEAD if _FAILURE.search(inner) else None
        return state and state + child

    def follows(self, state: State, text: bytes) -> State | None:
        child, inner = _undecorated(text)
        name, _, of_child = state.partition("@")
        if child[1:] != of_child or inner[:2] == b'{"':
            return None
        match = self._follows[name].match(inner)
        return match.lastgroup + child if match and match.lastgroup else None

    def continues(self, text: bytes) -> bool:
        inner = _undecorated(text)[1]
        return inner[:2] != b'{"' and self._continues.match(inner) is not None

    def tentative(self, state: State) -> bool:
        return state.partition("@")[0] in _TENTATIVE


class Indented:
    """A record is a line and the indented ones below it."""

    trigger: bytes | None = None
    _FOLLOWS = re.compile(rb"[ \t]|[}\])]+[,;]?\s*$")

    def opens(self, text: bytes) -> State | None:
        return None if text[:2] == b'{"' else "record"

    def follows(self, state: State, text: bytes) -> State | None:
        return state if self.continues(text) else None

    def continues(self, text: bytes) -> bool:
        return self._FOLLOWS.match(text) is not None

    def tentative(self, state: State) -> bool:
        return False


class Started:
    """A record begins with a line that an expression matches; all other lines go on."""

    trigger: bytes | None = None

    def __init__(self, expression: str) -> None:
        """Raises ValueError for what is no RE2 expression."""
        self._start = linear(expression.encode())

    def opens(self, text: bytes) -> State | None:
        return "record"

    def follows(self, state: State, text: bytes) -> State | None:
        return state if self.continues(text) else None

    def continues(self, text: bytes) -> bool:
        return not self._start.match(text)

    def tentative(self, state: State) -> bool:
        return False


def _compiled(targets: dict[State, bytes]) -> re.Pattern[bytes]:
    return re.compile(
        b"|".join(b"(?P<%s>%s)" % (name.encode(), pattern) for name, pattern in targets.items())
    )


def _undecorated(text: bytes) -> tuple[str, bytes]:
    """The worker that PHP-FPM names, as `@child`, and what it said; other lines as they are."""
    text = text[:_LOOKED_AT]
    if text[:1] == b"[" and (match := _DECORATION.match(text)):
        return "@" + match[1].decode(), text[match.end() :].removesuffix(b'"')
    return "", text
