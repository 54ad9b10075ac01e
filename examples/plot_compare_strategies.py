"""
Many strategies, one training
=============================

Each strategy reads something of the proxy: its probabilities, its features, or what its training noted of each row. One
training gives all of it. Here the strategies are compared on the handwritten digits, with a tenth and with half of the
rows kept.
"""

# %%
# Train once
# ----------
# The proxy is a small network. With ``record_all=True`` its training notes all that any strategy reads: the record of
# each visit, and how the probabilities change between visits. Every strategy can choose from that afterwards.
import warnings

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sksvp import ProxyCoresetSelector
from sksvp.coreset import ByChanceWarning, RiskyChoiceWarning

# The selector warns of strategies that keep the hardest tenth, and of ties. A figure below shows what comes of it.
for category in (RiskyChoiceWarning, ByChanceWarning):
    warnings.simplefilter("ignore", category)
X, y = load_digits(return_X_y=True)
proxy = make_pipeline(StandardScaler(), MLPClassifier((64,)))
selector = ProxyCoresetSelector(
    proxy, strategy="entropy", record_all=True, subset_size=0.1, class_balanced=True, random_state=0
)
selector.fit(X, y)
print(selector.record_)

# %%
# Every score
# -----------
# The table has one line per row. The row with the highest score is chosen first.
table = selector.score_table()
table.head().round(2)

# %%
# The scores order the rows differently. These are the rank correlations of some of them.
names = ["entropy", "margin", "forgetting_events", "el2n", "aum", "variability", "cld"]
table[names].corr("spearman").round(2)

# %%
# Every strategy
# --------------
# ``rerank`` chooses again and trains nothing. Here it chooses by every registered strategy.
from time import perf_counter

from sksvp.strategies import strategy_names

start = perf_counter()
chosen = {name: selector.rerank(strategy=name).indices_ for name in strategy_names()}
print(f"{len(chosen)} choices of {len(selector.indices_)} rows in {perf_counter() - start:.1f} s")

# %%
# Errors on test rows
# -------------------
# A support vector machine is trained on each choice. Five seeds split the rows and train a proxy each. Differences are
# taken within a seed, to random rows with the classes' shares.
import pandas as pd
from sklearn.svm import SVC

records = []
for seed in range(5):
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, stratify=y, random_state=seed)
    selector.set_params(random_state=seed).fit(X_train, y_train)
    for share in (0.1, 0.5):
        for name in strategy_names():
            again = selector.rerank(strategy=name, subset_size=share)
            error = 100 * (1 - SVC().fit(*again.select(X_train, y_train)).score(X_test, y_test))
            records.append({"seed": seed, "kept": share, "strategy": name, "error": error})
errors = pd.DataFrame(records).pivot(index=["kept", "seed"], columns="strategy", values="error")
errors.groupby("kept").mean().T.round(1)

# %%
# A dot is the mean over the seeds, a line its standard error on both sides. Left of zero a strategy is better than
# random rows.
import matplotlib.pyplot as plt

differences = errors.drop(columns="random").sub(errors["random"], axis=0)
means, spreads = differences.groupby("kept").mean(), differences.groupby("kept").sem()
order = means.loc[0.1].sort_values(ascending=False).index
figure, axes = plt.subplots(1, 2, figsize=(6.5, 6), sharey=True, layout="constrained")
for ax, share in zip(axes, (0.1, 0.5), strict=True):
    ax.errorbar(
        means.loc[share, order], order, xerr=spreads.loc[share, order], fmt="o", color="#0072B2", capsize=3
    )
    ax.axvline(0, color="#555555", linewidth=1)
    random = errors.loc[share, "random"]
    ax.set_title(f"{share:.0%} kept; random rows: {random.mean():.1f} ± {random.sem():.1f} %", fontsize=10)
    ax.grid(alpha=0.3)
_ = figure.supxlabel("test error, points above that of random rows", fontsize=10)

# %%
# With a tenth of the rows, strategies that cover the data are at or below random rows, and those that keep the hardest
# rows are far above them. With half of the rows the hardest are a good choice. Other data and other targets
# give other figures: see the guide on strategies.
