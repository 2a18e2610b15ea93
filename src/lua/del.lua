-- Ends a friendship, and tells the player's host of it.
-- KEYS  1 prefix
-- ARGV  1 gm_account  2 uid  3 history  4 entries  5 bytes
-- Gives {'ok'} | {'no_gm'} | {'not_this_gm'} | {'full'}
-- Event the relation mailbox's key, with the entry's id
-- include clock
-- include append
-- include wake
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
local gms = prefix .. 'host:' .. host .. ':gms'
local now = clock()
local id = append(relation, history, now, entries, bytes, #name + 64,
                  'u', uid, 'c', 'remove', 'g', gm, 'a', name,
                  't', math.floor(now / 1000))
if not id then
    return { 'full' }
end

redis.call('DEL', player)
redis.call('ZREM', prefix .. 'gm:' .. gm .. ':friends', uid)
if redis.call('HINCRBY', gms, gm, -1) <= 0 then
    redis.call('HDEL', gms, gm)
end
wake(relation, id)

return { 'ok' }
