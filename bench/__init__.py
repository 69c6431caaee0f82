"""What this gateway costs, measured beside LiteLLM's on one machine, in one run, against one model server.

`python -m bench --help`; `make bench` does all of it and writes bench/RESULTS.md. Loopback only.
"""
