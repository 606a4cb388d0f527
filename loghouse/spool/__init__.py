"""Batches of log rows on disk until the store has them: what is appended here is neither lost nor doubled.

`Spool` keeps immutable batches, `Delivery` sends them. A caller that has appended may acknowledge to whoever
gave it the rows. docs/durability.md says what holds when something dies.
"""
