-- A GM's friends, the oldest friendship first.
-- KEYS  1 prefix
-- ARGV  1 the GM's mailbox  2 gm_account
-- Gives {'ok', uid, host, since, undelivered, {newest entry} or {}, ...}
--       | {'no_gm'}
local prefix = KEYS[1]
local gm = ARGV[2]
local account = prefix .. 'gm:' .. gm
local reply = { 'ok' }

if redis.call('EXISTS', account) == 0 then
    return { 'no_gm' }
end

for _, uid in ipairs(redis.call('ZRANGE', account .. ':friends', 0, -1)) do
    local bond = redis.call('HMGET', prefix .. 'player:' .. uid, 'host',
                            'since')
    reply[#reply + 1] = uid
    reply[#reply + 1] = bond[1]
    reply[#reply + 1] = bond[2]
    reply[#reply + 1] = tonumber(redis.call('HGET', ARGV[1] .. ':u', uid)
                                 or 0)
    reply[#reply + 1] = redis.call('XREVRANGE', prefix .. 'conv:' .. uid,
                                   '+', '-', 'COUNT', 1)
end

return reply
