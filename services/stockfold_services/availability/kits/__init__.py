"""Kits across partitions: components tell the kits that need them, kits fold what they are told."""
