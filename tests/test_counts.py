import pytest

from stylepipe.counts import counted


@pytest.mark.parametrize(("number", "text"), [(0, "0 stages"), (1, "1 stage"), (2, "2 stages")])
def test_counted(number, text):
    assert counted(number, "stage") == text
