"""What the law and the operator decide: policy packs with an article for each value, and settings.

Nothing here opens a socket or a database; everybody else may import it.
"""
