"""The contract of the published API: e-mails by their own ids, replies by `reply_to_uuid`."""
