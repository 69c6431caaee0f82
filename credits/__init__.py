"""Money: accounts, journals, holds, tiers and power levels. What is paid for is opaque here."""
