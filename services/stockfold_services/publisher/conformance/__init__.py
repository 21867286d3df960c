"""The conformance suite: what every channel adapter must do, whatever the channel.

It runs the publisher's own connection and HTTP client, in virtual time, against the kind's imitated
channel (``stockfold.channels.conformance.Subject``). ``stockfold channel test KIND`` calls it.
"""
