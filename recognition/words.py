"""How names are searched: words without case and accents, by any part of them.

An index of words finds beginnings alone, so every word is stored with its endings ("ada" also as
"~da"): the beginning of an ending is a part of the word. Parts of fewer letters than `part_from`
are looked for at beginnings only, because they occur in nearly every name.
"""

import unicodedata

MOST_WORDS = 40
MOST_ENDINGS = 40
ENDING = "~"
"""Stands before an ending. No word begins with it."""


def fold(text: str) -> str:
    """Return the text without case, accents and compatibility forms: "Ŝtraße" is "strasse"."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold()


def words_of(*texts: str) -> list[str]:
    """Return the different words of texts, folded, in order; at most `MOST_WORDS`.

    A word is a run of letters and digits of any script.
    """
    parts = "".join(c if c.isalnum() else " " for c in fold(" ".join(texts)))
    return list(dict.fromkeys(parts.split()))[:MOST_WORDS]


def indexed_words(*texts: str) -> list[str]:
    """Return the words of texts and, marked, the endings of each that a search may begin with."""
    words = words_of(*texts)
    endings = (
        ENDING + word[start:]
        for word in words
        for start in range(1, min(len(word) - part_from(word), MOST_ENDINGS) + 1)
    )
    return list(dict.fromkeys((*words, *endings)))


def part_from(word: str) -> int:
    """Return how many characters a part must have to be found inside words: 3, or 2 beyond ASCII.

    Two Chinese characters are a whole name; two Latin letters are in most names.
    """
    return 3 if word.isascii() else 2


def part_query(search: str) -> str:
    """Return the tsquery that finds names with a part for each word of the search; "" for none."""
    return " & ".join(_part(word) for word in words_of(search))


def _part(word: str) -> str:
    if len(word) < part_from(word):
        return f"'{word}':*"
    return f"('{word}':* | '{ENDING}{word}':*)"
