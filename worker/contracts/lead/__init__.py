"""The contract that speaks of leads: history and replies by `lead_id`."""
