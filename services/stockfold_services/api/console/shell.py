"""Commands to copy into a shell. Names come from strangers: none may be more than one word."""

from __future__ import annotations

import shlex


def command(what: str, *arguments: str, **options: str) -> str:
    """``stockfold`` with these words, quoted for bash and zsh.

    A name that begins with a dash is told from an option by ``--``; control characters, on which a
    terminal would act, are written out.
    """
    said = [f" --{name.replace('_', '-')}={_quoted(value)}" for name, value in options.items()]
    ends = " --" if any(one.startswith("-") for one in arguments) else ""
    return f"stockfold {what}{''.join(said)}{ends}{''.join(' ' + _quoted(a) for a in arguments)}"


def _quoted(text: str) -> str:
    if text.isprintable():
        return shlex.quote(text)
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{''.join(c if c.isprintable() else _escape(c) for c in escaped)}'"


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
