"""Texts from CSV files: the format, what is wrong with a row, memory, and the published sets."""

import bz2
import csv
import dataclasses
import gzip
import hashlib
import lzma
import os
import tarfile
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sksvp import datasets
from sksvp.datasets import (
    _reviews,
    load_ag_news,
    load_amazon_review_polarity,
    load_arrays,
    load_imdb,
    load_label_prefix,
    load_text_csv,
)
from sksvp.datasets._text_columns import is_number
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
    assume(any(cell and not is_number(cell) for row in rows for cell in row[1:]))
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
        ("a.csv", b'1,"a"\n1,"\xff"\n', "line 2: byte 0xff is not UTF-8"),
        ("a.csv.gz", b"no gzip", "damaged"),
        ("a.csv.xz", b"no xz", "damaged"),
        ("a.txt", ROWS, r"must be a file \.csv"),
    ],
)
def test_other_files_are_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=message):
        load_text_csv(tmp_path / name)


# Bytes of another encoding ----------------------------------------------------------------------


@pytest.fixture
def one_foreign_byte(tmp_path):
    """A thousand rows, and line 401 has an é as latin-1 writes it."""
    rows = [f'{number % 2 + 1},"a review, number {number}"\n'.encode() for number in range(1000)]
    rows[400] = b'1,"caf\xe9"\n'
    return write(tmp_path / "a.csv", b"".join(rows))


def test_a_byte_of_another_encoding_is_named_by_its_line(one_foreign_byte):
    with pytest.raises(ValueError, match=r"line 401: byte 0xe9 is not UTF-8; give .* encoding='cp1252'"):
        load_text_csv(one_foreign_byte)


def test_only_the_row_with_it_is_skipped(one_foreign_byte):
    with pytest.warns(UserWarning, match=r"1 bad rows were left out, the first of them line 401: byte 0xe9"):
        bunch = load_text_csv(one_foreign_byte, on_error="skip")
    assert len(bunch.X_train) == 999
    assert bunch.X_train[400] == "a review, number 401"


def test_a_class_with_such_a_byte(tmp_path):
    path = write(tmp_path / "a.csv", b"a;good\nb;good\nc;b\xe9\n")
    with pytest.raises(ValueError, match="line 3: byte 0xe9 is not UTF-8"):
        load_text_csv(path, label_column=1, sep=";")


def test_a_published_class_with_such_a_byte_is_no_wrong_number(tmp_path):
    path = write(tmp_path / "a.csv", b"1,a\n\xe9,b\n")
    with pytest.raises(ValueError, match="line 2: byte 0xe9 is not UTF-8"):
        load_text_csv(path)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig", "latin-1", "UTF8", "shift_jis"])
def test_encodings(tmp_path, encoding):
    text = "日本" if encoding == "shift_jis" else "café"
    path = write(tmp_path / "a.csv", f"1,{text}\n2,b\n".encode(encoding))
    assert list(load_text_csv(path, encoding=encoding).X_train) == [text, "b"]


def test_utf_16_is_recognised_even_where_bad_rows_are_skipped(tmp_path):
    path = write(tmp_path / "a.csv", "1,a\n2,b\n".encode("utf-16"))
    for options in ({}, {"on_error": "skip"}, {"label_column": "1"}):
        with pytest.raises(ValueError, match=r"a\.csv is UTF-16, not UTF-8: give encoding='utf-16'"):
            load_text_csv(path, **options)
    path = write(tmp_path / "b.csv", "1,a\n2,b\n")
    with pytest.raises(ValueError, match=r"is not UTF-16 near line 1: .*BOM"):
        load_text_csv(path, encoding="utf-16")


# Tables of one's own ----------------------------------------------------------------------------


REVIEWS = (
    'id;review;stars;mood\n7;"fine; ""very"" fine";10;good\n8;"a\nwaste";2;bad\n9;so so;2;\n10;café;2;good\n'
)


def test_columns_by_name(tmp_path):
    path = write(tmp_path / "a.csv", REVIEWS.replace("so so;2;", "so so;2;fair"))
    bunch = load_text_csv(path, text_column="review", label_column="mood", sep=";")
    assert isinstance(bunch.X_train, PackedTexts)
    assert list(bunch.X_train) == ['fine; "very" fine', "a\nwaste", "so so", "café"]
    assert bunch.target_names.tolist() == ["bad", "fair", "good"]
    assert (bunch.y_train.tolist(), bunch.y_train.dtype) == ([2, 0, 1, 2], np.int64)
    assert (bunch.X_test, bunch.y_test) == (None, None)
    assert "3 classes" in bunch.DESCR and "from 1" not in bunch.DESCR
    # Numbers are in the order of numbers.
    bunch = load_text_csv(path, text_column=["mood", "review"], label_column="stars", sep=";")
    assert (bunch.target_names.tolist(), bunch.y_train.tolist()) == (["2", "10"], [1, 0, 0, 0])
    assert bunch.X_train[3] == "good café"


def test_columns_by_position(tmp_path):
    write(tmp_path / "train.tsv", "a fine film\t0\nwaste\t1\nbad\t1\n")
    write(tmp_path / "test.tsv", "fine\t0\n")
    bunch = load_text_csv(tmp_path, label_column=1)
    assert list(bunch.X_train) == ["a fine film", "waste", "bad"]
    assert (bunch.y_train.tolist(), bunch.y_test.tolist()) == ([0, 1, 1], [0])
    assert bunch.target_names.tolist() == ["0", "1"]
    bunch = load_text_csv(tmp_path / "train.tsv", text_column=0, label_column=1, header=True)
    assert (list(bunch.X_train), bunch.target_names.tolist()) == (["waste", "bad"], ["1"])


def test_labels_alone_take_all_other_columns_as_texts(tmp_path):
    path = write(tmp_path / "a.csv", "title,label,text\nA,x,b\n,y,c\n")
    bunch = load_text_csv(path, label_column="label")
    assert (list(bunch.X_train), bunch.y_train.tolist()) == (["A b", "c"], [0, 1])


def test_bad_rows_of_one_s_own_table(tmp_path):
    path = write(tmp_path / "a.csv", REVIEWS + "11;a\n")
    columns = {"text_column": "review", "label_column": "mood", "sep": ";"}
    with pytest.raises(ValueError, match="line 5: the class is empty"):
        load_text_csv(path, **columns)
    with pytest.warns(UserWarning, match="2 bad rows .* line 7: 2 columns where the header has 4"):
        assert load_text_csv(path, **columns, on_error="skip").y_train.tolist() == [1, 0, 1]


def test_test_rows_of_other_classes_are_refused(tmp_path):
    write(tmp_path / "train.csv", "text,label\na,x\nb,y\n")
    write(tmp_path / "test.csv", "label,text\ny,a\nz,b\n")
    columns = {"text_column": "text", "label_column": "label"}
    with pytest.raises(ValueError, match=r"test\.csv has classes that no training row has: 'z'"):
        load_text_csv(tmp_path, **columns)
    write(tmp_path / "test.csv", "label,text\ny,a\n")
    assert load_text_csv(tmp_path, **columns).y_test.tolist() == [1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text_column": "review"}, "text_column needs label_column"),
        ({"header": True}, "header=True needs label_column"),
        ({"label_column": "mood", "header": False}, "without a header has columns by position only"),
        ({"label_column": "moo"}, r"no column 'moo', the label_column; its first line is 'id', 'review'"),
        ({"label_column": "mood", "text_column": "text"}, "no column 'text', the text_column"),
        ({"label_column": "mood", "text_column": "mood"}, "the same column"),
        ({"label_column": "mood", "text_column": []}, "names no column"),
        ({"label_column": -1}, "names or positions from 0, got -1"),
        ({"label_column": True}, "names or positions from 0, got True"),
        ({"label_column": 4}, "label_column=4 counts from 0, and the first line has 4 columns"),
        ({"label_column": "mood", "sep": ","}, "no column 'mood'.*is sep=';' right"),
        ({"label_column": 0, "sep": ","}, "one column only.*is sep=';' right"),
        ({"sep": ";;"}, "sep=';;' must be one character"),
        ({"encoding": "utf-9"}, "encoding='utf-9' is not one that Python knows"),
        ({"encoding": "hex"}, "encoding='hex'"),
        ({"header": "infer"}, "'header' parameter"),
    ],
)
def test_columns_that_are_not_there(tmp_path, options, message):
    path = write(tmp_path / "a.csv", REVIEWS)
    with pytest.raises(ValueError, match=message):
        load_text_csv(path, **{"sep": ";", **options})


def test_a_column_named_twice(tmp_path):
    path = write(tmp_path / "a.csv", "a,a,b\n1,2,c\n")
    with pytest.raises(ValueError, match="has 2 columns 'a'"):
        load_text_csv(path, label_column="a", text_column="b")


def test_a_table_of_numbers_is_no_text(tmp_path):
    path = write(tmp_path / "a.csv", "1,5.1,3.5\n2,,-1e-3\n")
    for options in ({}, {"label_column": 0}, {"on_error": "skip"}):
        with pytest.raises(ValueError, match=r"numbers alone.*label_column and text_column"):
            load_text_csv(path, **options)
    # Who names the columns means them.
    assert list(load_text_csv(path, label_column=0, text_column=[1, 2]).X_train) == ["5.1 3.5", "-1e-3"]
    write(path, "1,5.1,3.5\n2,three,-1\n")
    assert load_text_csv(path).X_train[0] == "5.1 3.5"


@pytest.mark.parametrize(
    "content", ["label,text\n1,a\n", "a fine film,1\n", "good,a\n", "0,a\n1,b\n", "1;a\n", "1\ta\n"]
)
def test_other_tables_are_told_of_the_options(tmp_path, content):
    path = write(tmp_path / "a.csv", content)
    with pytest.raises(
        ValueError, match=r"line 1: .*give label_column, text_column, sep=\.\.\. or encoding=\.\.\.\."
    ):
        load_text_csv(path)


def test_a_header_is_not_taken_for_a_row(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\na fine film,good\na waste,bad\nfine,good\n")
    for on_error in ("raise", "skip"):
        with pytest.raises(
            ValueError, match=r"first line looks like a header, 'text', 'label': .*label_column"
        ):
            load_text_csv(path, label_column=1, on_error=on_error)
    assert load_text_csv(path, label_column=1, header=True).y_train.tolist() == [1, 0, 1]
    assert load_text_csv(path, label_column=1, header=False).target_names.tolist() == ["bad", "good", "label"]
    write(path, "text,label\na fine film,1\na waste,0\n")
    with pytest.raises(ValueError, match="looks like a header"):
        load_text_csv(path, label_column=1)
    # A first row whose class comes again is a row.
    write(path, "fine,good\na waste,bad\nfine,good\n")
    assert len(load_text_csv(path, label_column=1).X_train) == 3


# Files, memory and known sets -------------------------------------------------------------------


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
    (tmp_path / "aclImdb" / "test" / "pos" / "1_1.txt").write_bytes(b"caf\xe9")
    with pytest.raises(ValueError, match=r"1_1\.txt is not UTF-8: .* at byte 3"):
        load_imdb(tmp_path)


def test_download(tmp_path, monkeypatch):
    source = tmp_path / "source" / "ag_news_csv"
    source.mkdir(parents=True)
    write(source / "train.csv", '"1","a","b"\n')
    write(source / "test.csv", '"2","c","d"\n')
    archive = tmp_path / "ag_news_csv.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(source, "ag_news_csv")
    md5 = hashlib.md5(archive.read_bytes()).hexdigest()
    changed = dataclasses.replace(_reviews._AG_NEWS, url=archive.as_uri(), checksum=md5)
    monkeypatch.setattr(_reviews, "_AG_NEWS", changed)
    bunch = load_ag_news(tmp_path / "new", download=True)
    assert (list(bunch.X_train), list(bunch.X_test)) == (["a b"], ["c d"])
    monkeypatch.setattr(_reviews, "_AG_NEWS", dataclasses.replace(changed, checksum="0" * 32))
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


@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_a_header_that_cannot_be_read_is_no_row_to_skip(tmp_path, on_error):
    """The next row would be taken for the header."""
    (tmp_path / "train.csv").write_text('y,"t"x\na,first\nb,second\na,third\n')
    with pytest.raises(ValueError, match="line 1, must be the header"):
        load_text_csv(tmp_path / "train.csv", label_column=0, text_column=1, header=True, on_error=on_error)


@pytest.mark.parametrize("name", ["train.TSV", "train.tsv"])
def test_tabs_are_known_by_the_ending(tmp_path, name):
    (tmp_path / name).write_text("y\tt\na\tone, two\nb\tthree\n")
    bunch = load_text_csv(tmp_path / name, label_column="y", text_column="t")
    assert list(bunch.X_train) == ["one, two", "three"]


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (
            'ham\t"Hello there\nspam\tWin a prize\nham\tbye bye"\nspam\tcall now\n',
            ['"Hello there', "Win a prize", 'bye bye"', "call now"],
        ),
        ('ham\t"Happy day" he said\nspam\tcall\n', ['"Happy day" he said', "call"]),
        ('ham\t"Happy day\nspam\tcall\n', ['"Happy day', "call"]),
        ('ham\t"some \\"quoted\\" words"\nspam\tcall\n', ['"some \\"quoted\\" words"', "call"]),
    ],
    ids=["melted", "in the middle", "never closed", "backslash"],
)
def test_quotes_that_mean_nothing_between_tabs(content, texts, tmp_path):
    path = write(tmp_path / "sms.tsv", content)
    columns = {"label_column": 0, "text_column": 1, "header": False}
    with pytest.warns(UserWarning, match=r"sms\.tsv, line 1: .*is read with quoting=False"):
        bunch = load_text_csv(path, **columns)
    assert list(bunch.X_train) == texts
    assert list(load_text_csv(path, quoting=False, **columns).X_train) == texts


def test_quotes_in_doubt_are_an_error(tmp_path):
    columns = {"label_column": 0, "text_column": 1, "header": False}
    # Without quotes, line 2 is no row.
    path = write(tmp_path / "sms.tsv", 'ham\t"Hello\tthere\nspam\tWin"\nspam\t"call" now\n')
    with pytest.raises(
        ValueError, match=r"line 1: a cell in quotes holds .*quoting=False, else quoting=True"
    ):
        load_text_csv(path, **columns)
    # Where commas separate, quotes mostly enclose cells.
    path = write(tmp_path / "sms.csv", '1,"Hello there\n0,Win a prize\n1,bye bye"\n0,call now\n')
    with pytest.raises(
        ValueError, match=r"line 1: a cell in quotes holds .*quoting=False, else quoting=True"
    ):
        load_text_csv(path, **columns)
    assert len(load_text_csv(path, quoting=True, **columns).X_train) == 2
    assert len(load_text_csv(path, quoting=False, **columns).X_train) == 4
    path = write(tmp_path / "sms.csv", '1,"Happy day" he said\n0,call\n')
    with pytest.raises(ValueError, match=r"line 1: .*quoting=False"):
        load_text_csv(path, **columns)


def test_a_quoted_cell_of_several_lines_is_fine_where_commas_separate(tmp_path):
    path = write(tmp_path / "a.csv", 'text,label\n"one, two\nthree, four",x\nfive,y\n')
    bunch = load_text_csv(path, text_column="text", label_column="label")
    assert list(bunch.X_train) == ["one, two\nthree, four", "five"]


def test_lines_of_a_text_that_look_a_little_like_rows(tmp_path):
    path = write(tmp_path / "a.csv", 'label,text\n5,"Great.\nI give it, 5\n5, yes"\n1,bad\n')
    assert len(load_text_csv(path, text_column="text", label_column="label").X_train) == 2


@pytest.mark.parametrize(
    ("encoding", "given"),
    [("utf-16", "utf-16"), ("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be"), ("utf-32", "utf-32")],
)
@pytest.mark.parametrize(
    "columns", [{"text_column": "text", "label_column": "label"}, {"label_column": 1}, {}]
)
def test_wide_encodings_are_recognised(encoding, given, columns, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("text,label\nfine,1\nbad,0\n".encode(encoding))
    with pytest.raises(ValueError, match=f"a.csv is UTF-.*: give encoding='{given}'"):
        load_text_csv(path, **columns)
    if "text_column" in columns:
        assert list(load_text_csv(path, encoding=given, **columns).X_train) == ["fine", "bad"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(end, tmp_path):
    path = write(tmp_path / "a.csv", end.join(["text,label", "fine,1", "", "bad,0", ""]))
    bunch = load_text_csv(path, text_column="text", label_column="label")
    assert (list(bunch.X_train), bunch.y_train.tolist()) == (["fine", "bad"], [1, 0])


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["1", "0", "0.0", "1.00"], ["0", "1"]),
        (["1,0", "0", "1", "0,0"], ["0", "1"]),
        (["+1", "-1", "1", "-1.0"], ["-1", "1"]),
        (["01", "1", "2", "02"], ["1", "2"]),
        (["01", "02", "10", "10"], ["01", "02", "10"]),
        (["1e0", "1", "2", "2"], ["1", "2"]),
    ],
)
def test_equal_numbers_are_one_class(labels, names, tmp_path):
    rows = "".join(f"row {number};{label}\n" for number, label in enumerate(labels))
    path = write(tmp_path / "a.csv", f"text;label\n{rows}")
    bunch = load_text_csv(path, text_column="text", label_column="label", sep=";")
    assert bunch.target_names.tolist() == names


@pytest.mark.parametrize("missing", ["nan", "NaN", "<NA>", "NaT"])
def test_missing_classes_that_pandas_wrote(missing, tmp_path):
    path = write(tmp_path / "a.csv", f"text,label\nfine,1\nbad,{missing}\nwaste,0\n")
    columns = {"text_column": "text", "label_column": "label"}
    with pytest.raises(ValueError, match="line 3: the class is missing"):
        load_text_csv(path, **columns)
    assert load_text_csv(path, unlabeled="keep", **columns).y_train.tolist() == [1, -1, 0]


def test_words_for_missing_among_numbers(tmp_path):
    columns = {"text_column": "text", "label_column": "label"}
    path = write(tmp_path / "a.csv", "text,label\nfine,1\nbad,NULL\nwaste,0\n")
    with pytest.raises(ValueError, match="classes are numbers, but also 'NULL'"):
        load_text_csv(path, **columns)
    path = write(tmp_path / "a.csv", "text,label\nfine,some\nbad,none\nwaste,many\n")
    assert load_text_csv(path, **columns).target_names.tolist() == ["many", "none", "some"]


@pytest.mark.parametrize(
    ("first", "second"), [("spam", "Spam"), ("a", "a\u200b"), ("caf\u00e9", "cafe\u0301")]
)
def test_classes_that_look_alike(first, second, tmp_path):
    path = write(tmp_path / "a.csv", f"text,label\nfine,{first}\nbad,{second}\nwaste,x\n")
    with pytest.warns(UserWarning, match="look alike, but are two classes"):
        load_text_csv(path, text_column="text", label_column="label")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("a.csv", load_text_csv),
        ("a.txt", load_label_prefix),
        ("a.npz", load_arrays),
        ("a.tsv.gz", load_text_csv),
    ],
)
def test_a_pipe_is_not_waited_for(name, load, tmp_path):
    os.mkfifo(tmp_path / name)
    with pytest.raises(ValueError, match="is not a regular file"):
        load(tmp_path / name)


def test_a_class_with_a_nul_character(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\nfine,1\0\nbad,1\n")
    with pytest.raises(ValueError, match="line 2: the class has a NUL character"):
        load_text_csv(path, text_column="text", label_column="label")


def test_joined_files_with_other_headers(tmp_path):
    columns = {"text_column": "text", "label_column": "label"}
    path = write(tmp_path / "a.csv", "text,label\nfine,good\nText, LABEL\nwaste,bad\n")
    with pytest.warns(UserWarning, match="1 rows that repeat the header"):
        assert list(load_text_csv(path, **columns).X_train) == ["fine", "waste"]
    path = write(tmp_path / "a.csv", "text,label\nfine,good\nlabel,text\nbad,waste\n")
    with pytest.raises(ValueError, match="line 3: the header again, with its columns in another order"):
        load_text_csv(path, **columns)


def test_files_that_were_joined(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\nfine,good\ntext,label\nwaste,bad\n\ufeffnice,bad\n")
    with pytest.warns(UserWarning, match="1 rows that repeat the header"):
        bunch = load_text_csv(path, text_column="text", label_column="label")
    assert (list(bunch.X_train), bunch.target_names.tolist()) == (["fine", "waste", "nice"], ["bad", "good"])


def test_numbers_written_as_floats_are_the_same_classes(tmp_path):
    train = write(tmp_path / "train.csv", "text,label\na,1\nb,0\nc,0.0\nd,1.0\n")
    test = write(tmp_path / "test.csv", "text,label\na,1.0\n")
    bunch = load_text_csv(train, test, text_column="text", label_column="label")
    assert (bunch.target_names.tolist(), bunch.y_train.tolist()) == (["0", "1"], [1, 0, 0, 1])
    assert bunch.y_test.tolist() == [1]
    # Names are names.
    write(train, "text,label\na,1\nb,1.0\nc,x\n")
    assert load_text_csv(train, text_column="text", label_column="label").target_names.tolist() == [
        "1",
        "1.0",
        "x",
    ]


def test_rows_without_a_class_are_a_pool(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\na,x\nb,\nc,y\n")
    columns = {"text_column": "text", "label_column": "label"}
    with pytest.raises(ValueError, match="line 3: the class is empty"):
        load_text_csv(path, **columns)
    assert load_text_csv(path, unlabeled="keep", **columns).y_train.tolist() == [0, -1, 1]
    with pytest.raises(ValueError, match="line 3: the class is empty"):
        load_text_csv(path, path, unlabeled="keep", **columns)
    with pytest.raises(ValueError, match='unlabeled="keep" needs label_column'):
        load_text_csv(path, unlabeled="keep")


def test_files_are_read_in_several_threads(tmp_path):
    paths = [
        write(tmp_path / f"{i}.csv", "text,label\n" + f'"{"a" * 200_000}",x\nb,y\n' * 3) for i in range(4)
    ]

    def load(path):
        with warnings.catch_warnings():
            return len(load_text_csv(path, text_column="text", label_column="label", on_error="skip").X_train)

    before = csv.field_size_limit()
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(load, paths * 6)) == [6] * 24
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("suffix", [".txt", ".ft.txt.bz2", ".txt.gz", ".txt.xz"])
def test_files_of_fasttext(tmp_path, suffix):
    opened = {".bz2": bz2.open, ".gz": gzip.open, ".xz": lzma.open}.get(Path(suffix).suffix, open)
    for name in ("train", "test"):
        with opened(tmp_path / f"{name}{suffix}", "wb") as file:
            file.write(
                "__label__2 Great CD: fine\u2028end\n\n__label__10 a waste\n__label__2  __ ok\n".encode()
            )
    bunch = load_label_prefix(tmp_path / f"train{suffix}", tmp_path / f"test{suffix}")
    assert list(bunch.X_train) == ["Great CD: fine\u2028end", "a waste", "__ ok"]
    assert (bunch.target_names.tolist(), bunch.y_train.tolist()) == (["2", "10"], [0, 1, 0])
    assert bunch.y_test.tolist() == bunch.y_train.tolist()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"no label", "line 2: a row begins with __label__<class>, this one with 'no'"),
        (b"__label__ x", "line 2: a row begins with __label__<class>"),
        (b"__label__1 __label__2 x", "line 2: it has several labels"),
        (b"__label__1 x __label__2", "line 2: it has several labels"),
        (b"__label__1 x\r__label__2 y", "line 2: it has several labels"),
        (b"__label__1 caf\xe9", "line 2: it has bytes that are not UTF-8"),
    ],
)
def test_bad_lines_of_fasttext_files(tmp_path, line, message):
    path = tmp_path / "a.txt"
    path.write_bytes(b"__label__1 fine\n" + line + b"\n__label__2 fine\n")
    with pytest.raises(ValueError, match=message):
        load_label_prefix(path)
    with pytest.warns(UserWarning, match="1 bad rows were left out"):
        assert load_label_prefix(path, on_error="skip").y_train.tolist() == [0, 1]


def test_a_tab_after_the_label(tmp_path):
    path = write(tmp_path / "a.txt", "__label__1\tgood food\n__label__2  bad food\n__label__1\n")
    bunch = load_label_prefix(path)
    assert (list(bunch.X_train), bunch.target_names.tolist()) == (["good food", "bad food", ""], ["1", "2"])


def test_a_damaged_file_of_fasttext(tmp_path):
    path = tmp_path / "a.txt.bz2"
    path.write_bytes(bz2.compress(b"__label__1 fine\n" * 1000)[:-8])
    with pytest.raises(ValueError, match="is damaged near line"):
        load_label_prefix(path)
    with pytest.raises(FileNotFoundError):
        load_label_prefix(tmp_path / "b.txt")
    with pytest.raises(ValueError, match="must be a file"):
        load_label_prefix(tmp_path / "b.csv")
