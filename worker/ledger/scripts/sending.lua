-- The last check before the request leaves, and the mark that it does.
-- Returns 'ok', 'lost', or why the answer must not go out.
local key = a.key
if number(key, 'token') ~= a.token then return 'lost' end
if done_already(key) then return 'ok' end
if lease_left(key) <= 0 then return 'lost' end
if is_suppressed(cjson.decode(get(key, 'people') or '[]')) or is_suppressed(a.people) then
  return 'opted_out'
end
if pause_over(key) ~= '' then return 'paused' end

local answered = P .. 'answered:' .. a.mail
local owner = redis.call('GET', answered)
if owner and owner ~= as_owner(key) then return 'answered_already' end
if (get(key, 'approved_by') or '') == '' then
  local t = tally(key, a.fields.mailbox)
  local function over(cap, count) return cap and count >= cap end
  if over(a.caps.per_thread, t.thread) or over(a.caps.per_lead_day, t.day)
    or over(a.caps.per_mailbox_hour, t.hour)
    or over(a.caps.per_template, t.templates[a.template] or 0) then
    return 'cap'
  end
end

local refused = step(key, 'sending', a.template)
if refused then return refused end
mark_done(key)
write(key, a.fields)
write(key, { answering = a.mail, template = a.template, due_at = '' })
redis.call('SET', answered, as_owner(key), 'PX', int(a.answered_lifetime))
local member = key .. '|' .. a.template
redis.call('ZADD', sends_of(key), int(now), member)
redis.call('PEXPIRE', sends_of(key), int(a.answered_lifetime))
redis.call('ZADD', mailbox_of(key), int(now), member)
redis.call('ZREMRANGEBYSCORE', mailbox_of(key), '-inf', int(now - DAY))
redis.call('PEXPIRE', mailbox_of(key), int(DAY))
redis.call('HSET', conv(get(key, 'conversation')), 'until', int(now + a.lease))
set_due(key, now + a.lease)
return 'ok'
