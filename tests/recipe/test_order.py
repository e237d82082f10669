"""The order of a graph, with the standard library's sorter and NetworkX-free brute force as oracles."""

from graphlib import CycleError, TopologicalSorter

from hypothesis import given
from hypothesis import strategies as st

from stylepipe.recipe.order import in_order

graphs = st.lists(st.lists(st.integers(0, 9), max_size=3), max_size=10).map(
    lambda edges: {str(node): [str(need) for need in needs if need < len(edges)] for node, needs in enumerate(edges)}
)


def test_needs_come_first_and_otherwise_the_given_order_stays() -> None:
    assert in_order({"d": ["b", "c"], "a": [], "b": ["a"], "c": ["a", "x"], "e": []}) == (["a", "b", "c", "d", "e"], [])


def test_cycles() -> None:
    assert in_order({"a": ["b"], "b": ["c"], "c": ["b"], "d": ["d"]})[1] == [["b", "c"], ["d"]]


def test_long_chains_are_no_trouble() -> None:
    needs = {str(node): [str(node + 1)] for node in range(20_000)}
    order, cycles = in_order(needs)
    assert order[0] == "19999" and cycles == []


@given(graphs)
def test_every_order_holds_and_every_cycle_turns(needs: dict[str, list[str]]) -> None:
    order, cycles = in_order(needs)
    assert sorted(order) == sorted(needs)
    try:
        list(TopologicalSorter(needs).static_order())
    except CycleError:
        assert cycles
    else:
        assert not cycles
        assert all(order.index(need) < order.index(node) for node in needs for need in needs[node])
    for cycle in cycles:
        assert all(following in needs[node] for node, following in zip(cycle, [*cycle[1:], cycle[0]], strict=True))
