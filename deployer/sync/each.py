"""Acts on many objects at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from deployer.errors import ClusterError
from deployer.manifest import ObjectKey
from deployer.sync.targets import Target


def each(pool: ThreadPoolExecutor, targets: Sequence[Target], act: Callable[[Target], None]) -> dict[ObjectKey, str]:
    """Act on each target in parallel, and on all of them, even where some are refused; returns every reason there was.

    Raises:
        ClusterError: the cluster cannot be reached. Nobody is asked any more after the first who found that out, since
            each would take as long; those under way end.
    """
    lost: list[ClusterError] = []

    def reason(target: Target) -> str | None:
        if lost:
            return None
        try:
            act(target)
        except ClusterError as error:
            if error.status == 0 and error.transient:
                lost.append(error)
            return str(error)
        return None

    reasons = [(target.key, said) for target, said in zip(targets, pool.map(reason, targets), strict=True)]
    if lost:
        raise lost[0]
    return {key: said for key, said in reasons if said is not None}
