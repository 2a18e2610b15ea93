-- Begins a friendship, and tells the player's host of it.
-- KEYS  1 prefix
-- ARGV  1 gm_account  2 host  3 uid  4 history  5 entries  6 bytes
-- Gives {'ok', receiver} | {'no_gm'} | {'has_gm'} | {'full'}
-- Event to the host: the entry; that its online GMs changed
-- include clock
-- include append
-- include presence
-- include wake
-- include befriend
local prefix = KEYS[1]
local gm, host, uid, history = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local entries, bytes = ARGV[5], ARGV[6]
local player = prefix .. 'player:' .. uid
local relation = prefix .. 'rel:h' .. host

local name = redis.call('HGET', prefix .. 'gm:' .. gm, 'name')
if not name then
    return { 'no_gm' }
end

if redis.call('EXISTS', player) == 1 then
    return { 'has_gm' }
end

local now = clock()
local ts = string.format('%d', now / 1000)
local id = append(relation, history, now, entries, bytes, #name + 64,
                  'u', uid, 'c', 'apply', 'g', gm, 'a', name, 't', ts)
if not id then
    return { 'full' }
end

redis.call('HSET', player, 'host', host, 'gm', gm, 'since', ts)
redis.call('ZADD', prefix .. 'gm:' .. gm .. ':friends', ts, uid)
redis.call('ZADD', prefix .. 'hosts', 'NX', 0, host)
wake(prefix, 'h' .. host, table.concat({ 'r', id, uid, gm, ts, 'apply', name },
                                       ' '))
befriend(prefix, gm, host, 1, now)

return { 'ok', 'h' .. host }
