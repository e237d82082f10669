"""Builds the site from the whole repository, so that links from `docs/` to recipes and to the README work in both.

MkDocs refuses a `docs_dir` that contains its configuration; `exclude_docs` limits the site to what belongs in it.
"""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Takes the pages from the folder of the configuration."""
    config.docs_dir = str(Path(config.config_file_path).parent)
    return config
