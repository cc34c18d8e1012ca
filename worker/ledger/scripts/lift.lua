-- Takes people off the list of those who asked us to stop; what they wrote until now no
-- longer counts. Returns how many were on it.
local lifted = 0
for _, person in ipairs(a.people) do
  lifted = lifted + redis.call('HDEL', P .. 'suppressed', person)
  redis.call('HSET', P .. 'lifted', person, int(now))
end
return lifted
