"""Evidence from a Kubernetes cluster: what is unusual in it, the most telling lines first.

A source answers the queries of `source.py`: files of a snapshot (`snapshot.py`), or a live
cluster (`api.py`).
`collect.py` decides what to ask, the modules of the queries read the answers, and `fitting.py` fits
the lines into the limit of characters.
"""
