-- The holder of the lease moves its event on and lets the conversation go.
-- Returns 'ok', or 'lost' where somebody else has the event.
-- Counts how long an answer took, in the classes of `worker.domain.timing`.
local function count_time(took)
  local class = 'more'
  for _, bound in ipairs(cjson.decode('@BOUNDS@')) do
    if took <= 1000 * bound then
      class = int(bound)
      break
    end
  end
  redis.call('HINCRBY', P .. 'answer_times', class, 1)
  redis.call('HINCRBY', P .. 'answer_times', 'sum', int(took))
end

local key = a.key
if number(key, 'token') ~= a.token then return 'lost' end
if done_already(key) then return 'ok' end
local before = get(key, 'state')
if a.to == 'sending' then -- only `sending` makes this step: it checks everything first
  return redis.error_reply('ILLEGAL ' .. before .. ' to sending')
end
local refused = step(key, a.to, a.reason)
if refused then return refused end
mark_done(key)
redis.call('HDEL', ev(key), 'stumbles')

if before == 'sending' and (a.to == 'waiting' or a.to == 'failed') then
  forget_send(key) -- surely not sent: it counts for no cap
  local answered = P .. 'answered:' .. (get(key, 'answering') or '')
  if a.to == 'failed' and redis.call('GET', answered) == as_owner(key) then
    redis.call('DEL', answered)
  end
end
write(key, a.fields)
owe(key, a.deeds)
if a.counts then redis.call('HINCRBY', ev(key), 'tries', 1) end
if a.to == 'doubt' and before == 'sending' then
  redis.call('HINCRBY', ev(key), 'doubts', 1)
  write(key, { doubt_at = int(now) })
end
if a.to == 'sent' then
  write(key, { sent_at = int(now) })
  count_time(now - number(key, 'received_at'))
  local variant = get(key, 'variant') or ''
  if variant ~= '' then
    redis.call('HINCRBY', P .. 'variants', (get(key, 'template') or '') .. '|' .. variant, 1)
  end
  if (a.fields.sent_id or '') ~= '' then
    redis.call('HSET', answers_of(key), a.fields.sent_id, get(key, 'answering') or '')
    redis.call('PEXPIRE', answers_of(key), int(a.answered_lifetime))
  end
end

local pause = a.parked and string.match(a.parked, '^pause:(.*)$')
local pause_is_over = pause and redis.call('HEXISTS', P .. 'paused', pause) == 0
if pause_is_over then a.due, a.parked = 0, nil end
plan(key, a.due)
let_go(key)
if a.parked then park(key, a.parked) end
return 'ok'
