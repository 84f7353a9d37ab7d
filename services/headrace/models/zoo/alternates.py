"""River's Hoeffding adaptive trees as a forest.

Where a branch has begun to err more, River grows a leaf beside it, its alternate, until one of the
two has proved better. Until then both vote on every event that comes through the branch. So each
alternate becomes a tree of its own: the way to its branch, and empty leaves beside it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from river.tree import HoeffdingAdaptiveTreeClassifier
from river.tree.nodes.hatc_nodes import AdaLeafClassifier, AdaNumBinaryBranchClass
from river.tree.nodes.htc_nodes import LeafMajorityClass

from headrace.models.zoo.flattening import NodeTable, commonest, seen_weights


class _Step(NamedTuple):
    branch: Any
    way: int
    """Of its children, which one leads on."""


class _Reached(NamedTuple):
    branch: Any
    path: tuple[_Step, ...]
    """From the root; branches on features that are unknown are left out."""
    is_by_missing: bool
    """Whether the last branch above it, which is not in the path, is on an unknown feature."""


class AdaptiveTable(NodeTable):
    """Collects the nodes of one adaptive tree and of the alternates in it."""

    _unit = 0.0
    """What the votes of a leaf that is always wrong count for; 0 without alternates."""

    def add_all(self, tree: HoeffdingAdaptiveTreeClassifier) -> list[int]:
        """Take in a tree, and return where it and its alternates have their roots.

        Raises
        ------
        ValueError
            The tree splits in another way than at a threshold, or an alternate is no leaf.
        """
        root: Any = tree._root
        weights = {} if root is None else seen_weights(root)
        reached = [each for each in self._branches(root, weights) if each.branch._alternate_tree]
        if reached:
            self._unit = 0.5 / max(map(_reliability, _leaves(root)))
        return [self.add(tree), *(self._alternate(each, tree, weights) for each in reached)]

    def _worth(self, leaf: LeafMajorityClass) -> float:
        return self._unit * _reliability(leaf) if self._unit else super()._worth(leaf)

    def _branches(self, root: Any, weights: Mapping[int, float]) -> Iterator[_Reached]:
        """Yield the branches that events with the known features come to."""
        waiting = [_Reached(root, (), is_by_missing=False)]
        while waiting:
            found = waiting.pop()
            branch = found.branch
            if not isinstance(branch, AdaNumBinaryBranchClass):
                continue
            yield found
            if branch.feature in self.features:
                for way, child in enumerate(branch.children):
                    step = _Step(branch, way)
                    waiting.append(_Reached(child, (*found.path, step), is_by_missing=False))
            else:
                child = branch.children[commonest(branch, weights)]
                waiting.append(_Reached(child, found.path, is_by_missing=True))

    def _alternate(
        self,
        reached: _Reached,
        tree: HoeffdingAdaptiveTreeClassifier,
        weights: Mapping[int, float],
    ) -> int:
        """Add the tree of an alternate: children after their parents."""
        root = len(self._rows)
        branch, path, is_by_missing = reached
        empty, single, double = (root + len(path) + offset for offset in (0, 1, 3))
        for at, (above, way) in enumerate(path, root):
            onward = at + 1 if at + 1 < empty else single
            common = onward
            if commonest(above, weights) != way:
                common = empty
            elif onward == single:
                common = double
            sides = (onward, empty) if way == 0 else (empty, onward)
            self._rows.append(self._branch(above, *sides, common))
        self._rows.append(self._seen({}))
        for place, times in ((single, 1 + is_by_missing), (double, 2)):
            self._rows += self._beside(branch, place, times, tree)
        return root if path else single

    def _beside(
        self, branch: Any, place: int, times: int, tree: HoeffdingAdaptiveTreeClassifier
    ) -> Iterator[dict[str, float]]:
        """Yield a branch, all ways of which lead to its alternate, and the alternate.

        To an event without the feature of the branch above, River counts an alternate twice. It is
        always a leaf: one that splits takes the branch's place.
        """
        alternate = branch._alternate_tree
        if not isinstance(alternate, AdaLeafClassifier):
            raise ValueError("an alternate is no leaf")  # noqa: TRY004 -- no argument's type
        leaf = self._leaf(alternate, tree, times * self._worth(alternate))
        is_known = branch.feature in self.features
        yield self._branch(branch, *[place + 1] * 3) if is_known else leaf
        yield leaf


def _reliability(leaf: Any) -> float:
    """Return how much a leaf's votes count, as River's ``AdaLeafClassifier.prediction`` has it."""
    error = leaf._mean_error.get()
    return 1.0 / (error * error) if error else 1.0


def _leaves(root: Any) -> Iterator[Any]:
    """Yield all leaves, alternates too."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, AdaNumBinaryBranchClass):
            waiting += [*node.children, *([node._alternate_tree] if node._alternate_tree else ())]
        else:
            yield node
