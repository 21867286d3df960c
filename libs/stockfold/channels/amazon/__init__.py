"""Amazon, Selling Partner API: offers that a merchant ships, and External Fulfillment.

Built from Amazon's published models and their examples; no merchant's account was written to.
"""
