"""The order in which the nodes of a graph can be computed, and the circles for which there is none."""

from collections.abc import Iterable, Mapping


def in_order(needs: Mapping[str, Iterable[str]]) -> tuple[list[str], list[list[str]]]:
    """All names, each after those that it needs, otherwise as given; and circles of names, each needing the next.

    Needed names that are not keys of `needs` are left aside. Where circles share names, not every one is listed.
    """
    order: dict[str, None] = {}
    circles: list[list[str]] = []
    turning: set[str] = set()
    for start in needs:
        trail = {} if start in order else {start: iter(needs[start])}
        while trail:
            name, rest = next(reversed(trail.items()))
            for need in rest:
                if need in trail:
                    if need not in turning:
                        circles.append(list(trail)[list(trail).index(need) :])
                        turning.update(circles[-1])
                elif need in needs and need not in order:
                    trail[need] = iter(needs[need])
                    break
            else:
                del trail[name]
                order[name] = None
    return list(order), circles
