-- Has no slot in a bucket for a while, and slower ones after it. Those who were refused
-- together are one refusal.
local key = P .. 'slots:' .. a.bucket
local told = redis.call('HMGET', key, 'hold', 'slower')
local hold, slower = tonumber(told[1] or '') or 0, tonumber(told[2] or '') or 0
if hold <= now then
  slower = slower * math.max(1 - (now - hold) / a.recovery, 0)
  slower = math.min((1 + slower) * (1 + a.step) - 1, a.most)
  redis.call('HSET', key, 'slower', string.format('%.4f', slower))
end
hold = math.max(hold, now + a.milliseconds)
redis.call('HSET', key, 'hold', int(hold))
redis.call('PEXPIRE', key, int(math.max(redis.call('PTTL', key), hold - now + a.recovery)))
return 'ok'
