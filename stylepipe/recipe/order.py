"""Topological order of a graph's nodes, and its cycles."""

from collections.abc import Iterable, Mapping


def in_order(needs: Mapping[str, Iterable[str]]) -> tuple[list[str], list[list[str]]]:
    """Returns all names in topological order, depth first as in `needs`, and the cycles, in which each name needs the next.

    Needed names that are not keys of `needs` are ignored. Where cycles share names, not every one is listed.
    """
    order: dict[str, None] = {}
    cycles: list[list[str]] = []
    on_cycle: set[str] = set()
    for start in needs:
        trail = {} if start in order else {start: iter(needs[start])}
        while trail:
            name, rest = next(reversed(trail.items()))
            for need in rest:
                if need in trail:
                    if need not in on_cycle:
                        cycles.append(list(trail)[list(trail).index(need) :])
                        on_cycle.update(cycles[-1])
                elif need in needs and need not in order:
                    trail[need] = iter(needs[need])
                    break
            else:
                del trail[name]
                order[name] = None
    return list(order), cycles
