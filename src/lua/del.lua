-- Ends a friendship, and tells the player's host of it.
-- KEYS  1 prefix
-- ARGV  1 gm_account  2 uid  3 history  4 entries  5 bytes
-- Gives {'ok', receiver} | {'no_gm'} | {'not_this_gm'} | {'full'}
-- Event to the host: the entry; that its online GMs changed
-- include clock
-- include append
-- include presence
-- include wake
-- include befriend
local prefix = KEYS[1]
local gm, uid, history, entries, bytes =
    ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local player = prefix .. 'player:' .. uid

local name = redis.call('HGET', prefix .. 'gm:' .. gm, 'name')
if not name then
    return { 'no_gm' }
end

local bond = redis.call('HMGET', player, 'gm', 'host')
if bond[1] ~= gm then
    return { 'not_this_gm' }
end

local host = bond[2]
local relation = prefix .. 'rel:h' .. host
local now = clock()
local ts = string.format('%d', now / 1000)
local id = append(relation, history, now, entries, bytes, #name + 64,
                  'u', uid, 'c', 'remove', 'g', gm, 'a', name, 't', ts)
if not id then
    return { 'full' }
end

redis.call('DEL', player)
redis.call('ZREM', prefix .. 'gm:' .. gm .. ':friends', uid)
wake(prefix, 'h' .. host, table.concat({ 'r', id, uid, gm, ts, 'remove',
                                         name }, ' '))
befriend(prefix, gm, host, -1, now)

return { 'ok', 'h' .. host }
