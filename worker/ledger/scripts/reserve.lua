-- Takes the bucket's next slot, unless it is further away than the caller would wait.
-- Who gets none is given a turn in a queue that reserves nothing, so that not all of them
-- come back at once. Returns {1, until the slot} or {0, until it is worth asking again}.
local key = P .. 'slots:' .. a.bucket
local exact = a.now
if not exact then
  local t = redis.call('TIME')
  exact = tonumber(t[1]) * 1000 + tonumber(t[2]) / 1000
end
local slot, turn, hold = unpack(redis.call('HMGET', key, 'slot', 'turn', 'hold'))
slot = math.max(exact, tonumber(slot or '') or 0, tonumber(hold or '') or 0)

local field, at = 'slot', slot
if slot - exact > a.longest then
  field = 'turn'
  at = math.max(slot, math.min(tonumber(turn or '') or 0, exact + a.latest))
end
redis.call('HSET', key, field, string.format('%.3f', at + a.interval))
redis.call('PEXPIRE', key, int(at - exact + a.interval + a.latest))
return { field == 'slot' and 1 or 0, string.format('%.3f', at - exact) }
