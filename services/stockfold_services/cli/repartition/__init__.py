"""Another number of partitions, without losing the order of any SKU.

A SKU's partition follows from its key and the number of partitions, so that number cannot be
changed in place: the SKU's past would be in one partition and its future in another. Everything is
copied into the topics of another environment prefix instead, each SKU's records in their order, and
the copy is proved equal before anybody uses it.
"""
