-- Takes the lease on the event's conversation, with a new fencing token.
-- Returns {'claimed', token, now, paused, hold-off, suppressed, company suppressed, lifted,
-- doubted, tally, sent, answers, fields} or {why not, state}.
local key = a.key
local state = get(key, 'state')
if not state then
  redis.call('ZREM', P .. 'due', key)
  return { 'gone', '' }
end
if number(key, 'v') > a.version then return { 'newer', state } end
if RESTING[state] then
  redis.call('ZREM', P .. 'due', key)
  return { 'resting', state }
end
local due_at = number(key, 'due_at')
if due_at > now then
  set_due(key, due_at)
  return { 'early', state }
end

local c = get(key, 'conversation')
local holder = redis.call('HGET', conv(c), 'holder')
local held_until = tonumber(redis.call('HGET', conv(c), 'until') or '') or 0
local open = redis.call('HGET', conv(c), 'open')
if holder and held_until > now then
  set_due(key, held_until)
  if holder ~= key then park(key, 'conv:' .. c) end
  return { 'busy', state }
end
if open and open ~= key then
  set_due(key, now + a.lease)
  park(key, 'conv:' .. c)
  if state == 'received' then step(key, 'waiting', 'conversation_busy') end
  return { 'busy', state }
end

-- Whoever claims it again and again without a step stumbles over it: a person looks.
if WAKEABLE[state] and redis.call('HINCRBY', ev(key), 'stumbles', 1) > a.most_stumbles then
  step(key, 'held', 'stumbled')
  plan(key, nil)
  return { 'resting', 'held' }
end

local token = redis.call('HINCRBY', ev(key), 'token', 1)
redis.call('SREM', P .. 'parked:conv:' .. c, key)
redis.call('HSET', conv(c), 'holder', key, 'until', int(now + a.lease))
if not open then redis.call('PEXPIRE', conv(c), int(a.retention)) end
set_due(key, now + a.lease)
if state == 'sending' then
  step(key, 'doubt', 'worker_lost')
  redis.call('HINCRBY', ev(key), 'doubts', 1)
  write(key, { doubt_at = int(now) })
end

local off = tonumber(redis.call('GET', P .. 'hold_off') or '') or 0
local people = cjson.decode(get(key, 'people') or '[]')
local lifted = 0
for _, person in ipairs(people) do
  local at = redis.call('HGET', P .. 'lifted', person)
  lifted = math.max(lifted, tonumber(at or '') or 0)
end
return {
  'claimed', token, now, pause_over(key), math.max(off - now, 0),
  is_suppressed(people) and 1 or 0, is_suppressed({ get(key, 'company') or '' }) and 1 or 0, lifted,
  tonumber(redis.call('HGET', conv(c), 'doubted') or '') or 0, cjson.encode(tally(key)),
  cjson.encode(sent_in(key)), redis.call('HGETALL', answers_of(key)), redis.call('HGETALL', ev(key)),
}
