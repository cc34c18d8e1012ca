-- Remembers that an answer may have left in the conversation of an e-mail.
local thread = redis.call('HGET', M .. 'of', a.mail_id)
if thread then redis.call('HSET', thread_key(thread), 'wrote', int(now)) end
return 'ok'
