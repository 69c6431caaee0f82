"""What calls came to, day by day: kept as it grows, compared with the ledger and with providers' own counts."""
