"""The inertia of our centers and of scikit-learn's over the same points, as JSON."""

import json
import sys

import numpy
from sklearn.cluster import MiniBatchKMeans

points = numpy.loadtxt(sys.argv[1], delimiter=",")
with open(sys.argv[2], encoding="utf-8") as file:
    ours = json.load(file)


def inertia(centers):
    """The squared distances of all points from their nearest center, added up."""
    squares = ((points[:, None, :] - centers[None, :, :]) ** 2).sum(axis=2)
    return float(squares.min(axis=1).sum())


centers = numpy.array([center["at"] for center in ours["centers"]])
theirs = MiniBatchKMeans(n_clusters=len(centers), n_init=3, random_state=1).fit(points)
print(
    json.dumps(
        {"ours": inertia(centers), "theirs": inertia(theirs.cluster_centers_), "points": ours["points"]}
    )
)
