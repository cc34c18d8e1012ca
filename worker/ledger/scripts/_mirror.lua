-- Stands before every script of the mirror, after `_base.lua`. Each era of the mirror has
-- keys of its own; those of the past expire.
local META = P .. 'mirror'
local REPLIES = META .. ':replies' -- of all eras: none of them may be forgotten
local function meta(field) return redis.call('HGET', META, field) end
local function time(field) return tonumber(meta(field) or '') or 0 end
local M = META .. ':' .. (meta('era') or '0') .. ':'
local function thread_key(id) return M .. 'thread:' .. id end
