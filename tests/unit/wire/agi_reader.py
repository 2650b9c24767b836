"""How Asterisk cuts an AGI command into words, told anew from its rules."""

from __future__ import annotations


def words_of(line: str) -> list[str]:
    """Blanks and tabs part words, but not in quotes nor behind a backslash.

    A backslash takes the next character as it is; a quote that opens where no word has begun
    begins one.
    """
    words: list[str] = []
    in_word = quoted = escaped = False
    for char in line:
        if escaped or char not in '"\\ \t' or (char in " \t" and quoted):
            if not in_word:
                words.append("")
                in_word = True
            words[-1] += char
            escaped = False
        elif char == '"':
            quoted = not quoted
            if quoted and not in_word:
                words.append("")
                in_word = True
        elif char == "\\":
            escaped = True
        else:
            in_word = False
    return words
