"""In which order a worker looks at its queues: strictly, or by weight."""

import random
from collections.abc import Callable, Mapping, Sequence


class Rota:
    """The order of the queues, claim by claim.

    queues: names, or names with weights; a queue of weight 3 comes first three
        times as often as one of weight 1, and none is ever left out.
    strict: always in the order given, a later queue only when the earlier are empty.
    """

    def __init__(
        self,
        queues: Sequence[str] | Mapping[str, float],
        *,
        strict: bool = False,
        draw: Callable[[], float] = random.random,
    ) -> None:
        if isinstance(queues, str):
            raise TypeError(f"queues is the text {queues!r}: give a list of names")
        weights = dict(queues) if isinstance(queues, Mapping) else dict.fromkeys(queues, 1.0)
        if not weights:
            raise ValueError("a worker needs at least one queue")
        for queue, weight in weights.items():
            if weight <= 0:
                raise ValueError(f"the weight {weight} of queue {queue!r} is not above zero")
        self.queues = tuple(weights)
        self._weights = weights
        self._is_strict = strict or len(weights) == 1
        self._draw = draw

    def order(self) -> tuple[str, ...]:
        """The queues in the order to claim from now.

        Each is given draw ** (1 / weight), highest first: a weighted order without
        replacement (P. Efraimidis, P. Spirakis, "Weighted random sampling with a reservoir", 2006).
        """
        if self._is_strict:
            return self.queues
        return tuple(sorted(self.queues, key=lambda queue: -(self._draw() ** (1 / self._weights[queue]))))
