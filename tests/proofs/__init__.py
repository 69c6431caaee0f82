"""The proofs that the ledger loses nothing and doubles nothing, whatever fails: reduced here in the suite, whole by
`make proof`, which writes docs/proofs.md. Each shows first, by a negative control, that there is something to prove.
"""
