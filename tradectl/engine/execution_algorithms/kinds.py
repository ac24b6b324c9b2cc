"""Every kind of execution algorithm by the name people call it."""

from tradectl.engine.execution_algorithms.algorithm import Algorithm
from tradectl.engine.execution_algorithms.chase import Chase
from tradectl.engine.execution_algorithms.dca import Dca
from tradectl.engine.execution_algorithms.grid import Grid
from tradectl.engine.execution_algorithms.iceberg import Iceberg
from tradectl.engine.execution_algorithms.scaled import Scaled
from tradectl.engine.execution_algorithms.twap import Twap
from tradectl.engine.execution_algorithms.vwap import Vwap

KINDS: dict[str, type[Algorithm]] = {k.kind: k for k in (Twap, Vwap, Iceberg, Chase, Grid, Dca, Scaled)}
