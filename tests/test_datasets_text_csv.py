"""Texts from CSV files: the format, what is wrong with a row, memory, and the published sets."""

import csv
import dataclasses
import gzip
import hashlib
import lzma
import tarfile
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sksvp import datasets
from sksvp.datasets import _reviews, load_ag_news, load_amazon_review_polarity, load_imdb, load_text_csv
from sksvp.text import PackedTexts

ROWS = '"2","Great CD","Fine, ""very"" fine"\n"1","","Bad\\n\nvery bad"\n"1","日本","😀 x"\n'
TEXTS = ['Great CD Fine, "very" fine', "Bad\\n\nvery bad", "日本 😀 x"]


def write(path, content):
    opened = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix, open)
    with opened(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".csv.xz"])
def test_a_file_and_a_folder(tmp_path, suffix):
    write(tmp_path / f"train{suffix}", ROWS)
    write(tmp_path / f"test{suffix}", '3,"a","b"\n')
    alone = load_text_csv(tmp_path / f"train{suffix}")
    assert isinstance(alone.X_train, PackedTexts)
    assert list(alone.X_train) == TEXTS
    assert alone.y_train.tolist() == [1, 0, 0]
    assert alone.y_train.dtype == np.int64
    assert (alone.X_test, alone.y_test) == (None, None)
    assert alone.target_names.tolist() == ["1", "2"]
    assert "Training rows: 3; test rows: 0" in alone.DESCR
    for bunch in (
        load_text_csv(tmp_path),
        load_text_csv(tmp_path / f"train{suffix}", tmp_path / f"test{suffix}"),
    ):
        assert list(bunch.X_train) == TEXTS
        assert (list(bunch.X_test), bunch.y_test.tolist()) == (["a b"], [2])


CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(rows=st.lists(st.tuples(st.integers(1, 9), CELL, CELL), min_size=1, max_size=6))
def test_whatever_python_writes_is_read(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
    bunch = load_text_csv(path)
    assert list(bunch.X_train) == [" ".join(cell for cell in row[1:] if cell) for row in rows]
    assert bunch.y_train.tolist() == [row[0] - 1 for row in rows]


BAD = [
    ('"1"\n', 1, "1 column"),
    ('"1","a","b"\n\n"2","c"\n', 3, "2 columns where the rows before have 3"),
    ('"1","a\nb"\n"2","c","d"\n', 3, "3 columns where the rows before have 2"),
    ('class,title,text\n1,"a","b"\n', 1, "the file must have no header"),
    ('1,"a"\ngood,"b"\n', 2, "whole number from 1, got 'good'"),
    ('1,"a"\n1.5,"b"\n', 2, "got '1.5'"),
    ('1,"a"\n,"b"\n', 2, "got ''"),
    ('1,"a"\n0,"b"\n', 2, "from 1, got 0"),
    ('1,"a"\n²,"b"\n', 2, "got '²'"),
    ('1,"a"\n1,"b"c\n', 2, "expected after"),
    ('1,"a"\n1,"b\n1,c\n', 2, "a quote is opened and never closed, which takes all lines to 3"),
    ('1,"a"\n5000000,"b"\n', 2, "from 1 to 100,000, got 5000000: is the first column the class"),
]


@pytest.mark.parametrize(("content", "line", "message"), BAD)
def test_bad_rows_are_named_by_their_line(tmp_path, content, line, message):
    path = write(tmp_path / "bad.csv", content)
    with pytest.raises(ValueError, match=rf"bad\.csv, line {line}: .*{message}"):
        load_text_csv(path)


def test_a_byte_order_mark_is_no_text(tmp_path):
    path = tmp_path / "of_excel.csv"
    path.write_text("1,a\n2,b\n", encoding="utf-8-sig")
    assert load_text_csv(path).y_train.tolist() == [0, 1]


def test_bad_rows_can_be_skipped(tmp_path):
    path = write(tmp_path / "bad.csv", '1,"a"\ngood,"b"\n2,"c"d\n2\n2,"e"\n2,"f"\n1,"g\n')
    with pytest.warns(
        UserWarning, match=r"4 bad rows were left out, the first.* line 2.*the last line 7: a quote"
    ):
        bunch = load_text_csv(path, on_error="skip")
    assert (list(bunch.X_train), bunch.y_train.tolist()) == (["a", "e", "f"], [0, 1, 1])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "has no rows"),
        ("a.csv", b'1,"a"\n1,"\xff"\n', "not UTF-8 near line"),
        ("a.csv.gz", b"no gzip", "damaged"),
        ("a.csv.xz", b"no xz", "damaged"),
        ("a.txt", ROWS, r"must be a file \.csv"),
    ],
)
def test_other_files_are_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=message):
        load_text_csv(tmp_path / name)


def test_a_file_cut_off(tmp_path):
    whole = gzip.compress(ROWS.encode() * 1000)
    (tmp_path / "a.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="damaged near line"):
        load_text_csv(tmp_path / "a.csv.gz")


def test_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no train\.csv"):
        load_text_csv(tmp_path)
    with pytest.raises(FileNotFoundError):
        load_text_csv(tmp_path / "a.csv")
    with pytest.raises(ValueError, match="is a folder"):
        load_text_csv(tmp_path, "test.csv")
    with pytest.raises(FileNotFoundError, match=r"amazon_review_polarity_csv.*download=True"):
        load_amazon_review_polarity(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"aclImdb.*download=True"):
        load_imdb(tmp_path)


def test_a_cell_of_10_mb_and_nul_bytes(tmp_path):
    limit = csv.field_size_limit()
    path = write(tmp_path / "a.csv", '1,"' + "word " * 2_000_000 + '"\n2,"a\0b"\n')
    bunch = load_text_csv(path)
    assert [len(text) for text in bunch.X_train] == [10_000_000, 3]
    assert csv.field_size_limit() == limit


def test_memory_is_that_of_the_file(tmp_path):
    path = write(tmp_path / "a.csv", '"1","A title","' + "some words of a review " * 20 + '"\n')
    content = path.read_bytes() * 20_000
    path.write_bytes(content)
    tracemalloc.start()
    bunch = load_text_csv(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(bunch.X_train) == 20_000
    assert peak < 1.5 * len(content)


def test_classes_of_a_known_set(tmp_path):
    folder = tmp_path / "ag_news_csv"
    folder.mkdir()
    write(folder / "train.csv", '"4","a","b"\n"1","c","d"\n')
    for place in (tmp_path, folder):
        bunch = load_ag_news(place)
        assert bunch.target_names[bunch.y_train].tolist() == ["Sci/Tech", "World"]
    write(folder / "train.csv", '"5","a","b"\n')
    with pytest.raises(ValueError, match="line 1: the class must be from 1 to 4, got 5"):
        load_ag_news(tmp_path)


def test_imdb_as_published(tmp_path):
    for split in ("train", "test"):
        for name, text in (("neg", "bad"), ("pos", "good é")):
            folder = tmp_path / "aclImdb" / split / name
            folder.mkdir(parents=True)
            for number in range(2):
                (folder / f"{number}_1.txt").write_text(f"{text} {split} {number}", encoding="utf-8")
    for place in (tmp_path, tmp_path / "aclImdb"):
        bunch = load_imdb(place)
        assert list(bunch.X_train) == ["bad train 0", "bad train 1", "good é train 0", "good é train 1"]
        assert bunch.y_test.tolist() == [0, 0, 1, 1]


def test_download(tmp_path, monkeypatch):
    source = tmp_path / "source" / "ag_news_csv"
    source.mkdir(parents=True)
    write(source / "train.csv", '"1","a","b"\n')
    write(source / "test.csv", '"2","c","d"\n')
    archive = tmp_path / "ag_news_csv.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(source, "ag_news_csv")
    monkeypatch.setattr(_reviews, "_FAST_AI", tmp_path.as_uri())
    md5 = hashlib.md5(archive.read_bytes()).hexdigest()
    monkeypatch.setattr(_reviews, "_AG_NEWS", dataclasses.replace(_reviews._AG_NEWS, md5=md5))
    bunch = load_ag_news(tmp_path / "new", download=True)
    assert (list(bunch.X_train), list(bunch.X_test)) == (["a b"], ["c d"])
    monkeypatch.setattr(_reviews, "_AG_NEWS", dataclasses.replace(_reviews._AG_NEWS, md5="0" * 32))
    with pytest.raises(OSError, match="MD5"):
        load_ag_news(tmp_path / "other", download=True)
    assert not (tmp_path / "other" / "ag_news_csv").exists()


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "n_train", "n_test", "counts"),
    [
        ("ag_news", 4_999, 7_600, [1259, 1257, 1280, 1203]),
        ("amazon_review_polarity", 5_000, 1_459, [2435, 2565]),
        ("amazon_review_full", 799, 200, [179, 173, 151, 158, 138]),
        ("imdb", 25_000, 25_000, [12_500, 12_500]),
    ],
)
def test_real_sets(shared_data, name, n_train, n_test, counts):
    if not (shared_data / f"{name}_csv").is_dir():
        pytest.skip(f"{name} is not there")
    bunch = getattr(datasets, f"load_{name}")(shared_data)
    assert (len(bunch.X_train), len(bunch.X_test)) == (n_train, n_test)
    assert np.bincount(bunch.y_train).tolist() == counts
    assert not any(text.startswith(" ") for text in bunch.X_train[:1000] if text.strip())
