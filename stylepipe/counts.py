"""Numbers of things as people read them."""


def counted(number: int, noun: str) -> str:
    """For example 0 stages, 1 stage, 2 stages."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
