"""Questions that the journal answers: why a number is what it is, what was known when, what went
wrong, what was forgotten. Pure: facts in, answers out.
"""
