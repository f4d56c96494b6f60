"""How names are searched: words without case and accents, found by their beginnings."""

import unicodedata

MOST_WORDS = 40


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


def prefix_query(search: str) -> str:
    """Return the tsquery that finds words beginning with each word of the search; "" for none."""
    return " & ".join(f"'{word}':*" for word in words_of(search))
