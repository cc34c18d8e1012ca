-- Ties an event to its e-mail; returns the key of the event that owns the mail.
if number(a.key, 'token') ~= a.token then return 'lost' end
local pointer = P .. 'ptr:mail:' .. a.mail_id
local owner = redis.call('GET', pointer)
if not owner and exists(a.mail_id) then owner = a.mail_id end
if owner and owner ~= a.key and exists(owner) then return owner end
redis.call('SET', pointer, a.key, 'PX', int(a.answered_lifetime))
write(a.key, { mail_id = a.mail_id })
return a.key
