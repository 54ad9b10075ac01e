"""What the library says, in the words of a terminal: options in place of parameters, no advice in Python."""

import re
import warnings

import typer

# Parameters whose option has another name than theirs with dashes.
_OTHER_NAMES = {
    "length": "--text-length",
    "max_epochs": "--epochs",
    "path": "--data",
    "root": "--data-dir",
    "rounds": "--round",
}
_WORDS = (
    "class_balanced|dataset|device|download|epochs|layout|length|lr|optimizer|out|path|precision|probabilities|proxy|root|rounds|schedule|"
    "strategy|target"
)
# These cannot be taken for words of a sentence.
_SURE = (
    "batch_size|crop_fraction|data_dir|image_shape|image_size|initial_size|max_epochs|proxy_batch_size|proxy_epochs|proxy_lr|"
    "subset_size|target_at|test_rows|text_length|train_rows"
)
_VALUE = r"""'[^']*'|"[^"]*"|\[[^\]]*\]|\([^)]*\)|[-+]?\w+(?:[.:-]\w+)*"""
_ASSIGNED = re.compile(rf"(?<![^\s(])({_SURE}|{_WORDS})=({_VALUE})")
_BARE = re.compile(
    # Alone, at the beginning of a rule, or where two settings differ.
    rf"(?<![^\s(])(?:{_SURE})(?=[\s,;:.)]|$)"
    rf"|(?:^|(?<=: ))(?:{_WORDS})(?= must )"
    rf"|(?<![^\s(])(?:{_WORDS})(?=: .* there, )"
)
_CONSTRAINT = re.compile(r"The '(\w+)' parameter of \w+ must be (.*)\. Got (.*) instead\.")


def _sorted_words(text: str) -> str:
    return ", ".join(sorted(word.strip("'") for word in text.split(", ")))


_PHRASES = (
    # What scikit-learn advises on NaN, other estimators, is no help here.
    (re.compile(r"(Input X\w* contains NaN\.).*", re.DOTALL), r"\1"),
    (re.compile(r"a str among \{([^}]*)\}"), lambda found: f"one of {_sorted_words(found[1])}"),
    (re.compile(r"(never occur: |totals are )\[([^\]]*)\]"), r"\1\2"),
    (re.compile(r"\bblock='basic'"), "basic blocks"),
    (re.compile(r"\bblock='bottleneck'"), "bottlenecks"),
    (re.compile(r"\bdepth=(\d+)"), r"depth \1"),
    (re.compile(r"\bnetwork='[^']*' is no "), "no "),
    (re.compile(r"\bpooling='(\w+)'"), r"the pooling \1"),
    (re.compile(r"\bn_samples=(\d)"), r"\1"),
    (re.compile(r": None there, "), ": not given there, "),
    (re.compile(r" there, None now"), " there, not given now"),
    (re.compile(r"name the \.npy file with y as labels"), "take an .npz file that has y too"),
    (re.compile(r"load with download=True"), "add --download"),
    # Tables of texts. Names that stand in a file are in quotes.
    (re.compile(r"(?<![^\s(])(label|text)_column\b"), r"--\1-column"),
    (re.compile(r"\b(give|is) sep\b"), r"\1 --sep"),
    (re.compile(r"^sep must be"), "--sep must be"),
    (re.compile(r"\bsep or encoding\b"), "--sep or --encoding"),
    (re.compile(r"(?<![^\s(])encoding="), "--encoding "),
    (re.compile(r"(?<![^\s(])header=True\b"), "--header"),
    (re.compile(r"(?<![^\s(])header=False\b"), "--no-header"),
    (re.compile(r"^checkpoint: "), ""),
)
_SKIPPABLE = "cannot be read as an image"


def in_options(message: str) -> str:
    """Put a message of the library into one line that names options of the command line."""
    message = _CONSTRAINT.sub(r"\1 must be \2, got \3.", message)
    for pattern, words in _PHRASES:
        message = pattern.sub(words, message)
    message = _ASSIGNED.sub(_option_and_value, message)
    message = _BARE.sub(lambda found: _option(found[0]), message)
    message = " ".join(message.split())
    if _SKIPPABLE in message:
        message = f"{message.rstrip('.')}; --skip-unreadable goes on without such images."
    return message


def _option(name: str) -> str:
    return _OTHER_NAMES.get(name) or f"--{name.replace('_', '-')}"


def _option_and_value(found: re.Match) -> str:
    """Write ``name=value`` as a user types it."""
    name, value = found.groups()
    option = _option(name)
    if value == "True":
        return option
    if value[0] == "[":
        # An option that is repeated.
        return " ".join(f"{option} {part.strip()}" for part in value[1:-1].split(","))
    if value[0] == "(":
        return f"{option} {value[1:-1].replace(', ', ',')}"
    if name == "strategy":
        # The class of a strategy has the words of its name.
        value = re.sub(r"(?<!^)(?=[A-Z])", "_", value).lower()
    return f"{option} {value if ' ' in value else value.strip(chr(39) + chr(34))}"


def tell_line(line: str) -> None:
    """Print a line of a run; a hint, which the library has written, in options."""
    typer.echo(in_options(line) if line.startswith("hint: ") else line)


def tell_warnings() -> None:
    """Have warnings for users shown as a line each, and each once, without the place in the code."""
    shown = warnings.showwarning
    told: set[str] = set()

    def show(message, category, filename, lineno, file=None, line=None):
        if not issubclass(category, UserWarning):
            shown(message, category, filename, lineno, file, line)
            return
        text = f"warning: {in_options(str(message))}"
        if text not in told:
            told.add(text)
            typer.echo(text, err=True)

    warnings.showwarning = show
