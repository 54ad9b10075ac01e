"""
How small may the proxy be?
===========================

A proxy has to rank rows as a larger model would; it need not be as accurate. This example compares the rankings of
small and large networks. A search then picks the proxy by the accuracy of the target.
"""

# %%
# Do small and large agree?
# -------------------------
# Spearman's correlation compares the entropies of two smaller networks with those of the deepest on the same rows.
from sklearn.datasets import load_digits

from sksvp import ProxyCoresetSelector
from sksvp.agreement import rank_correlation
from sksvp.estimators import ResNetClassifier

X, y = load_digits(n_class=5, return_X_y=True)
X, y = X[:600], y[:600]
settings = {"max_epochs": 8, "batch_size": 16, "image_shape": (1, 8, 8)}


def entropies(depth, seed=0):
    selector = ProxyCoresetSelector(
        ResNetClassifier(depth, **settings), strategy="entropy", random_state=seed
    )
    return selector.fit(X, y).scores_


deepest = entropies(20)
for depth in (8, 14):
    print(f"ResNet{depth} with ResNet20: {rank_correlation(entropies(depth), deepest):.2f}")

# %%
# Two networks of one depth disagree as well when they are trained from different seeds. A proxy can hardly agree
# better.
print(f"ResNet20 with ResNet20, another seed: {rank_correlation(entropies(20, seed=1), deepest):.2f}")

# %%
# Let a search decide
# -------------------
# Selector and target together are one classifier, so that the depth of the proxy can be searched. The memory keeps the
# trained proxies: both sizes of a fold share one.
import tempfile

import pandas as pd
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler

from sksvp import CoresetClassifier

target = ResNetClassifier(depth=8, random_state=0, **settings)
with tempfile.TemporaryDirectory() as folder:
    selector = ProxyCoresetSelector(
        ResNetClassifier(**settings), strategy="entropy", memory=folder, random_state=0
    )
    pipeline = Pipeline([("scale", MinMaxScaler()), ("svp", CoresetClassifier(target, selector))])
    grid = {"svp__selector__proxy__depth": [8, 14], "svp__selector__subset_size": [0.5, 0.8]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)

table = pd.DataFrame(search.cv_results_)
table = table[["param_svp__selector__proxy__depth", "param_svp__selector__subset_size", "mean_test_score"]]
table.columns = ["proxy depth", "subset size", "accuracy"]
table.round(3)

# %%
# The smaller proxy serves as well here. Another seed changes the accuracies by about a percent.
import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(5, 3), layout="constrained")
for depth, marker in ((8, "o"), (14, "s")):
    rows = table[table["proxy depth"] == depth]
    ax.plot(rows["subset size"], rows["accuracy"], marker=marker, label=f"ResNet{depth} chooses")
ax.set(xlabel="share of the rows kept", ylabel="accuracy of the target", xticks=[0.5, 0.8])
_ = ax.legend(frameon=False)
