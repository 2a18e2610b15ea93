-- A GM's friends, the oldest friendship first. What is undelivered is counted
-- in the GM's own mailbox, once for all friends.
-- KEYS  1 prefix  2 the GM's mailbox
-- ARGV  1 gm_account
-- Gives {'ok', uid, host, since, undelivered, {newest entry} or {}, ...}
--       | {'no_gm'}
local prefix = KEYS[1]
local gm = ARGV[1]
local account = prefix .. 'gm:' .. gm
local undelivered, reply = {}, { 'ok' }

if redis.call('EXISTS', account) == 0 then
    return { 'no_gm' }
end

for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '-', '+')) do
    local uid = entry[2][4]
    undelivered[uid] = (undelivered[uid] or 0) + 1
end

for _, uid in ipairs(redis.call('ZRANGE', account .. ':friends', 0, -1)) do
    local bond = redis.call('HMGET', prefix .. 'player:' .. uid, 'host',
                            'since')
    reply[#reply + 1] = uid
    reply[#reply + 1] = bond[1]
    reply[#reply + 1] = bond[2]
    reply[#reply + 1] = undelivered[uid] or 0
    reply[#reply + 1] = redis.call('XREVRANGE', prefix .. 'conv:' .. uid,
                                   '+', '-', 'COUNT', 1)
end

return reply
