"""Where the cache is."""

from stylepipe.cache_folder import cache_folder


def test_the_cache_is_the_user_s_or_that_of_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("STYLEPIPE_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("STYLEPIPE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder().name == "stylepipe"
    assert cache_folder().is_relative_to(tmp_path)
