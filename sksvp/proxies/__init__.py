"""What a model can be asked as a proxy: class probabilities, final hidden features, records of its training."""

from ._as_proxy import as_proxy

# With a name repeated: for other packages, and no part of the public interface.
from ._delegating import DelegatingClassifier as DelegatingClassifier
from ._delegating import inner_has as inner_has
from ._features import NoFeatures
from ._incremental import Incremental
from ._pipelines import frozen_parts as frozen_parts
from ._proxy import Proxy

__all__ = ["Incremental", "NoFeatures", "Proxy", "as_proxy"]
