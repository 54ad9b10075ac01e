"""
How small may the proxy be?
===========================

A proxy needs to rank rows as a larger model would, not to be as accurate. So compare rankings, and then let a search
decide by what it is all for: the accuracy of the target.
"""

# %%
# Do small and large agree?
# -------------------------
# Forgetting events of three networks on the same rows, compared with those of the deepest by Spearman's correlation.
from sklearn.datasets import load_digits
from sksvp.estimators import ResNetClassifier
from sksvp.strategies import rank_correlation

X, y = load_digits(return_X_y=True)
X, y = X[:900], y[:900]
settings = {"max_epochs": 8, "batch_size": 32, "image_shape": (1, 8, 8)}
events = {
    depth: ResNetClassifier(depth=depth, random_state=0, **settings).fit(X, y).forgetting_events_
    for depth in (8, 14, 20)
}
agreement = {depth: rank_correlation(events[depth], events[20]) for depth in (8, 14)}
for depth, correlation in agreement.items():
    print(f"ResNet{depth} with ResNet20: {correlation:.2f}")

# %%
# A network does not agree with itself either, when it is trained from another seed. This is as much as a proxy can reach.
again = ResNetClassifier(depth=20, random_state=1, **settings).fit(X, y).forgetting_events_
print(f"ResNet20 with ResNet20, another seed: {rank_correlation(again, events[20]):.2f}")

# %%
# Let a search decide
# -------------------
# Selector and target together are one classifier, so the depth of the proxy is a parameter like any other. The memory
# keeps trained proxies: both sizes of a fold share one.
import tempfile

import pandas as pd
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler
from sksvp import CoresetClassifier, ProxyCoresetSelector

target = ResNetClassifier(depth=14, random_state=0, **settings)
with tempfile.TemporaryDirectory() as folder:
    selector = ProxyCoresetSelector(ResNetClassifier(**settings), memory=folder, random_state=0)
    pipeline = Pipeline([("scale", MinMaxScaler()), ("svp", CoresetClassifier(target, selector))])
    grid = {"svp__selector__proxy__depth": [8, 14], "svp__selector__subset_size": [0.5, 0.8]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)

table = pd.DataFrame(search.cv_results_)
table = table[["param_svp__selector__proxy__depth", "param_svp__selector__subset_size", "mean_test_score"]]
table.columns = ["proxy depth", "subset size", "accuracy"]
table.round(3)

# %%
# With so little data and so few epochs, the number of rows matters more than the proxy.
import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(5, 3), layout="constrained")
for depth, marker in ((8, "o"), (14, "s")):
    rows = table[table["proxy depth"] == depth]
    ax.plot(rows["subset size"], rows["accuracy"], marker=marker, label=f"ResNet{depth} chooses")
ax.set(xlabel="share of the rows kept", ylabel="accuracy of the target", xticks=[0.5, 0.8])
_ = ax.legend(frameon=False)
