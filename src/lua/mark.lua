-- A GM has read a player's conversation, up to a message. What it has read it
-- has read: an older message changes nothing.
-- KEYS  1 prefix
-- ARGV  1 gm_account  2 uid  3 id  4 seconds that a conversation is kept after
--       its last message
-- Gives {'ok', reset} | {'no_gm'} | {'not_this_gm'}; reset: 1 where no such
--       message is in the conversation
-- Event to the GM: up to where it has read, where that is further than before
-- include wake
-- include place
local prefix = KEYS[1]
local gm, uid, id, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local mark = prefix .. 'read:g' .. gm .. ':' .. uid

if redis.call('EXISTS', prefix .. 'gm:' .. gm) == 0 then
    return { 'no_gm' }
end

if redis.call('HGET', prefix .. 'player:' .. uid, 'gm') ~= gm then
    return { 'not_this_gm' }
end

-- Whether one id of a stream comes after another.
local function later(one, other)
    local ms, n = string.match(one, '^(%d+)%-(%d+)$')
    local other_ms, other_n = string.match(other, '^(%d+)%-(%d+)$')

    if ms == other_ms then
        return tonumber(n) > tonumber(other_n)
    end

    return tonumber(ms) > tonumber(other_ms)
end

local at = place(prefix .. 'conv:' .. uid, id)
local was = redis.call('GET', mark)

if not at then
    return { 'ok', 1 }
end

-- it outlives what it is about: a player who writes and is never read keeps
-- the conversation

if not was or later(at, was) then
    redis.call('SET', mark, at, 'EX', string.format('%d', ttl * 2))
    wake(prefix, 'g' .. gm, 's ' .. uid .. ' ' .. id)
end

return { 'ok', 0 }
