"""Keeps an eye on providers: asks them on their intervals, judges the answers, keeps history, raises alerts.

schedule (who is due, claimed by whom) -> run (asks, so many at once) -> recording (history, state) -> states (judges).
"""
