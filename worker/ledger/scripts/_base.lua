-- Stands before every script. KEYS[1] is the prefix with its hash tag, so that all keys
-- share one slot; ARGV[1] is a JSON object with the arguments.
local P = KEYS[1]
local a = cjson.decode(ARGV[1])

local function int(n) return string.format('%.0f', n) end

local now = a.now
if not now then
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end
