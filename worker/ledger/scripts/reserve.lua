-- Takes the bucket's next slot, unless it is further away than the caller would wait, or the
-- caller's quota of the bucket's slots is used up. Who gets none is given a turn in a queue that
-- reserves nothing, so that not all of them come back at once.
-- Returns {1, until the slot} or {0, until it is worth asking again}.
local exact = a.now
if not exact then
  local t = redis.call('TIME')
  exact = tonumber(t[1]) * 1000 + tonumber(t[2]) / 1000
end
local function read(name, interval)
  local key = P .. 'slots:' .. name
  local told = redis.call('HMGET', key, 'slot', 'turn', 'hold', 'slower')
  local function number(n) return tonumber(told[n] or '') or 0 end
  local hold = number(3)
  local slower = number(4) * math.max(1 - math.max(exact - hold, 0) / a.recovery, 0)
  return {
    key = key, slot = math.max(exact, number(1), hold), turn = number(2),
    interval = interval * (1 + slower),
  }
end
local function keep(kept, field, at)
  redis.call('HSET', kept.key, field, string.format('%.3f', at + kept.interval))
  redis.call('PEXPIRE', kept.key, int(at - exact + kept.interval + a.recovery))
end

local bucket = read(a.bucket, a.interval)
local quota = a.quota and read(a.quota.name, a.quota.interval)
local at = bucket.slot
local taken = at - exact <= a.longest and (not quota or quota.slot <= at)
if taken then
  keep(bucket, 'slot', at)
  if quota then keep(quota, 'slot', at) end
else
  local queue = quota or bucket
  at = math.max(at, queue.slot, math.min(queue.turn, exact + a.latest))
  keep(queue, 'turn', at)
end
return { taken and 1 or 0, string.format('%.3f', at - exact) }
