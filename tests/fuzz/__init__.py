"""The fuzzer: damaged and hostile files for every reader of a user's file.

    make fuzz                              5 minutes on all cores
    make fuzz MINUTES=60 SEED=7 JOBS=4     longer, with other cases
    make fuzz CASES=2000                   a number of cases instead of a time

    corpus.py      builds the small valid and hostile files in corpus/, one folder per kind
    mutations.py   changes of bytes that know no format
    formats.py     changes of boxes, chunks, messages, members and values, with valid checksums
    targets.py     the readers of each kind
    worker.py      runs each case in a process of its own, within limits
    campaign.py    draws the cases, runs them in parallel and saves findings

A case depends on the seed and its number alone. It may succeed or raise a `KinoloomError` with a
clear message; anything else is a finding, whose input is saved in findings/. The input of a fixed
finding goes into corpus/, so that every run repeats it.
"""
