"""Credits sold by Stripe. What Stripe says, whoever brings it (webhook, redirect, reconciliation), is applied by one
function per thing: payments.settle, refunds.apply, disputes.apply.

Each of them runs inside `audit.writing()`, which lets one of them at a time into a purchase; event and purchase rows
come next, then the ledger's wallets. No transaction spans a request to Stripe.
"""
