"""A real platform that something is done to while clients keep sending jobs: nothing lost, doubled or stuck.

`python -m tests.chaos --seed N --scenario NAME` is the long run (make chaos); pytest runs a short one of each scenario.
"""
