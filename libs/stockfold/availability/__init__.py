"""What a channel may promise: a pure function of positions and the channel's policy."""
