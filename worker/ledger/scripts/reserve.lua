-- Takes the bucket's next slot, unless it is further away than the caller would wait.
-- Who gets none is given a turn in a queue that reserves nothing, so that not all of them
-- come back at once. Returns {1, until the slot} or {0, until it is worth asking again}.
local key = P .. 'slots:' .. a.bucket
local exact = a.now
if not exact then
  local t = redis.call('TIME')
  exact = tonumber(t[1]) * 1000 + tonumber(t[2]) / 1000
end
local told = redis.call('HMGET', key, 'slot', 'turn', 'hold', 'slower')
local function number(n) return tonumber(told[n] or '') or 0 end
local slot, turn, hold, slower = number(1), number(2), number(3), number(4)
slot = math.max(exact, slot, hold)
local since = math.max(exact - hold, 0)
local interval = a.interval * (1 + slower * math.max(1 - since / a.recovery, 0))

local field, at = 'slot', slot
if slot - exact > a.longest then
  field = 'turn'
  at = math.max(slot, math.min(turn, exact + a.latest))
end
redis.call('HSET', key, field, string.format('%.3f', at + interval))
redis.call('PEXPIRE', key, int(at - exact + interval + a.recovery))
return { field == 'slot' and 1 or 0, string.format('%.3f', at - exact) }
