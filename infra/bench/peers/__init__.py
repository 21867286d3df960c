"""The ledger beside its peers: the same events through other stream processors, exactly once.

A peer is a program for that framework as its users would write it, in an environment of its own. It
does less than the ledger: no checks of a payload's figures, no horizons, no answers to commands, no
backorders, no documents. What it does not do is in its favour.
"""
