"""The drawing of a recipe, printed or written."""


def test_it_is_printed_or_written(cli, home):
    printed = cli("graph", "recipe.yaml").out
    assert printed.startswith("flowchart LR\n")
    assert '["bright<br/>brighten"]' in printed
    assert cli("graph", "recipe.yaml", "-o", "graph.svg").out == "graph.svg\n"
    assert (home / "graph.svg").read_text().startswith("<svg ")
    assert cli("graph", "recipe.yaml", "-o", "graph.mmd", "--json").data == {"file": "graph.mmd"}
    assert (home / "graph.mmd").read_text() == printed
    refused = cli("graph", "recipe.yaml", "-o", "graph.png")
    assert (refused.code, refused.err.splitlines()[0]) == (2, "error: 'graph.png' does not end in .svg or .mmd.")
