"""Loaders of published data sets of reviews, news and other texts."""

import os
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import validate_params

from .._inputs._paths import as_path
from ..text import PackedTexts
from ._download import Published, find_folder
from ._files import read_utf8
from ._text_csv import find_files, is_text_csv, read_text_csv
from ._text_rows import TextSplit, text_bunch

_ZHANG = (
    "\nSource: X. Zhang, J. Zhao and Y. LeCun, Character-level Convolutional Networks for Text Classification, "
    "NIPS 2015.\n"
)
_MAAS = "\nSource: A. Maas et al., Learning Word Vectors for Sentiment Analysis, ACL 2011.\n"
_FAST_AI = "https://s3.amazonaws.com/fast-ai-nlp"


def _published(title: str, folder: str, md5: str) -> Published:
    return Published(title, folder, f"{_FAST_AI}/{folder}.tgz", md5, ("train.csv",))


_AMAZON_POLARITY = _published(
    "Amazon Review Polarity: is a review one of 1 or 2 stars, or of 4 or 5?",
    "amazon_review_polarity_csv",
    "ee221fbfc3bf7d49dd7dee8064b2404c",
)
_AMAZON_FULL = _published(
    "Amazon Review Full: reviews and their stars",
    "amazon_review_full_csv",
    "289723722b64d337a40f809edd29d0f0",
)
_YELP_POLARITY = _published(
    "Yelp Review Polarity: is a review one of 1 or 2 stars, or of 3 or 4?",
    "yelp_review_polarity_csv",
    "0f09b3af1a79c136ef9ca5f29df9ed9a",
)
_YELP_FULL = _published(
    "Yelp Review Full: reviews and their stars",
    "yelp_review_full_csv",
    "a4acce1892d0f927165488f62860cabe",
)
_AG_NEWS = _published("AG News: news and their section", "ag_news_csv", "2c2d85915f1ca34b29e754ce3b403c81")
_DBPEDIA = _published(
    "DBpedia: beginnings of encyclopedia articles and what they are about",
    "dbpedia_csv",
    "531dab845dd933d0d7b04e82bffe6d96",
)
_YAHOO = _published(
    "Yahoo Answers: questions with their best answer, and their topic",
    "yahoo_answers_csv",
    "672a634b0a8a1314138321e7d075a64e",
)
_IMDB = Published(
    "IMDB: is a review of a film one of 1 to 4 points of ten, or of 7 to 10?",
    "aclImdb",
    "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
    "7c2ac02c03563afcf9b574c7e56c153a",
    ("train", "test"),
)

_POLARITY = ("negative", "positive")
_STARS = ("1 star", "2 stars", "3 stars", "4 stars", "5 stars")
_SECTIONS = ("World", "Sports", "Business", "Sci/Tech")
_ARTICLES = (
    "Company",
    "EducationalInstitution",
    "Artist",
    "Athlete",
    "OfficeHolder",
    "MeanOfTransportation",
    "Building",
    "NaturalPlace",
    "Village",
    "Animal",
    "Plant",
    "Album",
    "Film",
    "WrittenWork",
)
_TOPICS = (
    "Society & Culture",
    "Science & Mathematics",
    "Health",
    "Education & Reference",
    "Computers & Internet",
    "Sports",
    "Business & Finance",
    "Entertainment & Music",
    "Family & Relationships",
    "Politics & Government",
)

_checked = validate_params(
    {"download": ["boolean"], "verbose": ["verbose"]},
    prefer_skip_nested_validation=True,
)


@_checked
def load_amazon_review_polarity(
    data_dir: str | os.PathLike, *, download: bool = False, verbose: int = 0
) -> Bunch:
    """Load Amazon Review Polarity: 3,600,000 reviews for training and 400,000 for tests, two classes.

    Parameters
    ----------
    data_dir : str or path
        The folder ``amazon_review_polarity_csv`` with the files ``train.csv``
        and ``test.csv`` (or ``.csv.gz``, ``.csv.xz``), or its parent folder.
    download : bool, default=False
        Whether to download the archive, check it and unpack it into `data_dir` if
        the folder is missing.
    verbose : int, default=0
        If above 0, the progress of a download is shown.

    Returns
    -------
    Bunch
        As returned by `load_text_csv`, with the names of the classes. Files with
        fewer rows than were published load as they are.

    Raises
    ------
    FileNotFoundError
        If files are missing.
    OSError
        If a download fails.
    ValueError
        If a row is bad (the message gives its line) or a file is damaged.

    Notes
    -----
    Source: X. Zhang, J. Zhao and Y. LeCun, Character-level Convolutional
    Networks for Text Classification, NIPS 2015.
    """
    return _load(_AMAZON_POLARITY, _POLARITY, data_dir, download, verbose)


@_checked
def load_amazon_review_full(
    data_dir: str | os.PathLike, *, download: bool = False, verbose: int = 0
) -> Bunch:
    """Load Amazon Review Full: 3,000,000 reviews for training and 650,000 for tests, 1 to 5 stars.

    Parameters, result and errors are those of `load_amazon_review_polarity`;
    the folder is ``amazon_review_full_csv``.

    Parameters
    ----------
    data_dir : str or path
        The folder ``amazon_review_full_csv`` with ``train.csv`` and ``test.csv``, or its parent
        folder.
    download : bool, default=False
        Whether to download and unpack the archive if the folder is missing.
    verbose : int, default=0
        If above 0, the progress of a download is shown.

    Returns
    -------
    Bunch
        As returned by `load_text_csv`, with the names of the classes.
    """
    return _load(_AMAZON_FULL, _STARS, data_dir, download, verbose)


@_checked
def load_yelp_review_polarity(
    data_dir: str | os.PathLike, *, download: bool = False, verbose: int = 0
) -> Bunch:
    """Load Yelp Review Polarity: 560,000 reviews for training and 38,000 for tests, two classes.

    Parameters, result and errors are those of `load_amazon_review_polarity`;
    the folder is ``yelp_review_polarity_csv``.

    Parameters
    ----------
    data_dir : str or path
        The folder ``yelp_review_polarity_csv`` with ``train.csv`` and ``test.csv``, or its parent
        folder.
    download : bool, default=False
        Whether to download and unpack the archive if the folder is missing.
    verbose : int, default=0
        If above 0, the progress of a download is shown.

    Returns
    -------
    Bunch
        As returned by `load_text_csv`, with the names of the classes.
    """
    return _load(_YELP_POLARITY, _POLARITY, data_dir, download, verbose)


@_checked
def load_yelp_review_full(data_dir: str | os.PathLike, *, download: bool = False, verbose: int = 0) -> Bunch:
    """Load Yelp Review Full: 650,000 reviews for training and 50,000 for tests, 1 to 5 stars.

    Parameters, result and errors are those of `load_amazon_review_polarity`;
    the folder is ``yelp_review_full_csv``.

    Parameters
    ----------
    data_dir : str or path
        The folder ``yelp_review_full_csv`` with ``train.csv`` and ``test.csv``, or its parent
        folder.
    download : bool, default=False
        Whether to download and unpack the archive if the folder is missing.
    verbose : int, default=0
        If above 0, the progress of a download is shown.

    Returns
    -------
    Bunch
        As returned by `load_text_csv`, with the names of the classes.
    """
    return _load(_YELP_FULL, _STARS, data_dir, download, verbose)


@_checked
def load_ag_news(data_dir: str | os.PathLike, *, download: bool = False, verbose: int = 0) -> Bunch:
    """Load AG News: 120,000 news articles for training and 7,600 for tests, four sections.

    Parameters, result and errors are those of `load_amazon_review_polarity`;
    the folder is ``ag_news_csv``.

    Parameters
    ----------
    data_dir : str or path
        The folder ``ag_news_csv`` with ``train.csv`` and ``test.csv``, or its parent
        folder.
    download : bool, default=False
        Whether to download and unpack the archive if the folder is missing.
    verbose : int, default=0
        If above 0, the progress of a download is shown.

    Returns
    -------
    Bunch
        As returned by `load_text_csv`, with the names of the classes.
    """
    return _load(_AG_NEWS, _SECTIONS, data_dir, download, verbose)


@_checked
def load_dbpedia(data_dir: str | os.PathLike, *, download: bool = False, verbose: int = 0) -> Bunch:
    """Load DBpedia: 560,000 articles for training and 70,000 for tests, 14 classes.

    Parameters, result and errors are those of `load_amazon_review_polarity`;
    the folder is ``dbpedia_csv``.

    Parameters
    ----------
    data_dir : str or path
        The folder ``dbpedia_csv`` with ``train.csv`` and ``test.csv``, or its parent
        folder.
    download : bool, default=False
        Whether to download and unpack the archive if the folder is missing.
    verbose : int, default=0
        If above 0, the progress of a download is shown.

    Returns
    -------
    Bunch
        As returned by `load_text_csv`, with the names of the classes.
    """
    return _load(_DBPEDIA, _ARTICLES, data_dir, download, verbose)


@_checked
def load_yahoo_answers(data_dir: str | os.PathLike, *, download: bool = False, verbose: int = 0) -> Bunch:
    """Load Yahoo Answers: 1,400,000 questions for training and 60,000 for tests, ten topics.

    Parameters, result and errors are those of `load_amazon_review_polarity`;
    the folder is ``yahoo_answers_csv``.

    Parameters
    ----------
    data_dir : str or path
        The folder ``yahoo_answers_csv`` with ``train.csv`` and ``test.csv``, or its parent
        folder.
    download : bool, default=False
        Whether to download and unpack the archive if the folder is missing.
    verbose : int, default=0
        If above 0, the progress of a download is shown.

    Returns
    -------
    Bunch
        As returned by `load_text_csv`, with the names of the classes.
    """
    return _load(_YAHOO, _TOPICS, data_dir, download, verbose)


@_checked
def load_imdb(data_dir: str | os.PathLike, *, download: bool = False, verbose: int = 0) -> Bunch:
    """Load IMDB's large movie review set: 25,000 reviews each for training and tests, two classes.

    Parameters
    ----------
    data_dir : str or path
        The folder ``imdb_csv`` in the format of `load_text_csv`, the published
        folder ``aclImdb``, or the parent folder of either.
    download : bool, default=False
        Whether to download the published archive (84 MB), check it and unpack it
        into `data_dir` if both are missing.
    verbose : int, default=0
        If above 0, the progress of a download is shown.

    Returns
    -------
    Bunch
        As returned by `load_amazon_review_polarity`. In the published folder,
        negative reviews come first, each class in the order of its file names.

    Raises
    ------
    FileNotFoundError, OSError, ValueError
        In the cases of `load_amazon_review_polarity`.

    Notes
    -----
    Source: A. Maas et al., Learning Word Vectors for Sentiment Analysis, ACL 2011.
    """
    data_dir = as_path(data_dir, "data_dir")
    for folder in (data_dir / "imdb_csv", data_dir):
        if folder.is_dir() and is_text_csv(folder):
            splits = _read(folder, 2)
            break
    else:
        folder = find_folder(_IMDB, data_dir, download=download, verbose=verbose)
        splits = [_read_review_files(folder / name) for name in _IMDB.files]
    return text_bunch(splits, target_names=np.array(_POLARITY), title=_IMDB.title, path=folder, source=_MAAS)


def _load(
    published: Published,
    classes: tuple[str, ...],
    data_dir: str | os.PathLike,
    download: bool,
    verbose: int,
) -> Bunch:
    folder = find_folder(
        published,
        as_path(data_dir, "data_dir"),
        download=download,
        verbose=verbose,
        has=lambda folder, _: folder.is_dir() and is_text_csv(folder),
    )
    splits = _read(folder, len(classes))
    return text_bunch(
        splits, target_names=np.array(classes), title=published.title, path=folder, source=_ZHANG
    )


def _read(folder: Path, n_classes: int) -> list[TextSplit]:
    return [read_text_csv(file, n_classes) for file in find_files(folder) if file is not None]


def _read_review_files(folder: Path) -> TextSplit:
    """Read one review per file, from folders named after the classes."""
    files = [sorted((folder / name).glob("*.txt")) for name in ("neg", "pos")]
    if not all(files):
        raise FileNotFoundError(f"{folder} must hold reviews as neg/*.txt and pos/*.txt.")
    texts = PackedTexts(read_utf8(file) for of_class in files for file in of_class)
    names = [f"{file.parent.name}/{file.name}" for of_class in files for file in of_class]
    return TextSplit(
        texts, np.repeat(np.arange(2), [len(of_class) for of_class in files]), files=np.array(names)
    )
