"""How mails are put together: history, signatures and what we sent, told from own words."""
