"""What a model can be asked as a proxy: class probabilities, final hidden features, records of its training."""

from ._as_proxy import as_proxy
from ._incremental import Incremental
from ._pipelines import frozen_parts as frozen_parts
from ._proxy import NoFeatures, Proxy

__all__ = ["Incremental", "NoFeatures", "Proxy", "as_proxy"]
