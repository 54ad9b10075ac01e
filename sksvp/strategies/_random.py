"""Random choice, the baseline of every comparison."""

from sklearn.utils import check_random_state

from ._evidence import Evidence
from ._growth import DataSize, Growth
from ._rows import check_candidates
from ._strategy import Strategy, check_n_samples, growth_of_scores, rank_by_score, spread_scores


class Random(Strategy):
    """Choose rows uniformly at random.

    The score of a row is a uniform number in [0, 1) drawn for it. One number is
    drawn for each row of the evidence, candidate or not, so that with the same
    seed a larger choice contains the smaller one.
    """

    scores_each_row = True

    def growth(self, size: DataSize) -> Growth:
        """Return how time and memory grow: all rows are sorted."""
        return growth_of_scores((), size)

    def rank(self, evidence: Evidence, n_samples: int, *, candidates=None, initial=None, random_state=None):
        """Rank all candidates at random.

        Parameters and results are those of `ScoredStrategy.rank`.
        """
        rows = check_candidates(evidence.n_rows, candidates, initial)
        check_n_samples(n_samples, len(rows))
        rng = check_random_state(random_state)
        keys = rng.random_sample(evidence.n_rows)[rows]
        scores = spread_scores(keys, rows, evidence.n_rows)
        return rank_by_score(scores, rows, rng), scores
