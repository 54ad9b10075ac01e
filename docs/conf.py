"""Configuration of the documentation. It is built without a network; see SKSVP_DOCS_INTERSPHINX."""

import os
import re
import warnings
from importlib import import_module

import sksvp

# What sphinx-gallery runs must not depend on a screen.
os.environ.setdefault("MPLBACKEND", "agg")
warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")

project = "sksvp"
author = "The sksvp developers"
copyright = "2026, The sksvp developers"
release = version = sksvp.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "auto_examples/*.py", "auto_examples/*.ipynb"]
templates_path = ["_templates"]
# Single backquotes in docstrings name parameters and objects: link those that are known.
default_role = "py:obj"
# docs/results is empty in a tree where no long run has been recorded.
suppress_warnings = ["toc.empty_glob", "config.cache"]


def own_methods(name: str) -> list[str]:
    """Name the public methods that this package itself gives a class: scikit-learn and torch document theirs."""
    module, _, class_name = name.rpartition(".")
    cls = getattr(import_module(module), class_name)
    bases = [base for base in cls.__mro__ if base.__module__.startswith("sksvp")]
    names = dict.fromkeys(key for base in reversed(bases) for key in vars(base))
    hidden = re.compile("_.*|get_metadata_routing|set_[a-z_]+_request")
    return [key for key in names if not hidden.fullmatch(key) and callable(getattr(cls, key))]


autosummary_generate = True
autosummary_context = {"own_methods": own_methods}
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

myst_heading_anchors = 3

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "within_subsection_order": "ExampleTitleSortKey",
    "doc_module": ("sksvp",),
    "backreferences_dir": None,
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "write_computation_times": False,
}

if os.environ.get("SKSVP_DOCS_INTERSPHINX"):
    # Links into other projects need their inventories, and so a network.
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "sklearn": ("https://scikit-learn.org/stable", None),
        "skorch": ("https://skorch.readthedocs.io/en/stable", None),
    }

html_theme = "pydata_sphinx_theme"
html_title = "sksvp"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_context = {"default_mode": "auto"}
html_theme_options = {
    "navigation_with_keys": False,
    "header_links_before_dropdown": 7,
    "show_nav_level": 2,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
}
# Pages without sub-pages have nothing to show beside them.
html_sidebars = {"index": [], "install": [], "quickstart": [], "changelog": []}
