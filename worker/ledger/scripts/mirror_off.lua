-- Remembers that the provider does not list e-mails, for a while.
redis.call('HSET', META, 'off', int(now + a.milliseconds), 'cursor', '')
return 'ok'
