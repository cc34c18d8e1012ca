-- Stands before every script of the mirror, after `_base.lua`. Each era of the mirror has
-- keys of its own; those of the past expire.
local META = P .. 'mirror'
local REPLIES = META .. ':replies' -- of all eras: none of them may be forgotten
local function meta(field) return redis.call('HGET', META, field) end
local function time(field) return tonumber(meta(field) or '') or 0 end
local M = META .. ':' .. (meta('era') or '0') .. ':'
local function thread_key(id) return M .. 'thread:' .. id end
local function bytes(by) redis.call('HINCRBY', META, 'bytes', int(by)) end

local function drop(thread)
  local found = redis.call('HGETALL', thread_key(thread))
  for i = 1, #found, 2 do
    local id = string.match(found[i], '^mail:(.*)$')
    if id then
      redis.call('HDEL', M .. 'of', id)
      bytes(-#found[i + 1])
    end
  end
  redis.call('DEL', thread_key(thread))
  redis.call('ZREM', M .. 'threads', thread)
end
