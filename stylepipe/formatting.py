"""Numbers, sizes, durations and digests as text."""


def counted(number: int, noun: str) -> str:
    """Formats a count, for example: 0 stages, 1 stage, 2 stages."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def gigabytes(size: float) -> str:
    """Formats a number of bytes, for example: 0.471 GB, 10.1 GB."""
    return f"{size / 1e9:.3g} GB"


def short_digest(digest: str) -> str:
    """Returns the first twelve digits of a digest."""
    return digest[:12]


def duration(seconds: float) -> str:
    """Formats a duration, for example: 0.4 s, 1 min 20 s, 4 h 07 min. The unit changes where the rounded value reaches it."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
