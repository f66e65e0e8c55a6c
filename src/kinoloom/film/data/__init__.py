"""What FILM and its kin are trained on: triplets of pictures and videos, and made scenes.

`open_data` finds out what lies in a folder; `Mixture` draws from several sources; `Batches` is what
the training loop calls, and `finish` makes frames of what it gets, on the loop's device.
"""
