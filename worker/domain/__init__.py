"""The pure core: what a reply means and what to do about it. No I/O in here."""
