"""What the links to all pages have in common: the name of the page, and how far a text from outside is read."""

from urllib.parse import parse_qsl, quote, urlencode

LONGEST = 6000  # characters of the query: what proxies and mail programs pass on
FOREIGN = ("token", "next", "page")  # belong to the server and to the frame


def slug(title) -> str:
    """What a page is called in an address: "Core hole" -> "core-hole"."""
    return title.casefold().replace(" ", "-")


def encoded(pairs) -> str:
    """Pairs (name, text) as the query of a link."""
    return urlencode(pairs, quote_via=quote, safe="~/,")


def pairs_of(text) -> list:
    """Pairs (name, text) of the query of a link, no more than a link can hold, those that belong to others included."""
    text = text.lstrip("?")[: 4 * LONGEST].encode("utf-8", "replace").decode()  # half a surrogate pair cannot be sent
    return parse_qsl(text, keep_blank_values=True)


def shown(text, most) -> str:
    """The beginning of a text from outside as it is quoted: in one line."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:most])


def unknown(ignored) -> list:
    """Sentences about pairs (name, text) that mean nothing to a page; none without any."""
    named = ", ".join(shown(f"{name}={value}", 60) for name, value in ignored[:3]) + (
        ", ..." if len(ignored) > 3 else ""
    )
    return [f"Ignored, because the page does not know it: {named}."] if ignored else []


def absent(labels) -> list:
    """Sentences about sites that a database does not have; none without any."""
    named = ", ".join(shown(label, 40) for label in labels[:3]) + (", ..." if len(labels) > 3 else "")
    return [f"Left out, because this database does not have it: {named}."] if labels else []
