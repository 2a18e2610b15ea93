-- A GM's friends, the oldest friendship first.
-- KEYS  1 prefix
-- ARGV  1 the GM's mailbox  2 gm_account  3 milliseconds after which a host
--       that is not heard of is silent
-- Gives {'ok', uid, host, since, undelivered, unread, waiting, silent, {newest
--       entry} or {}, ...} | {'no_gm'}; waiting: since when the player waits
--       for an answer, or ''; silent: 1 where its host is
-- include clock
-- include silent
-- include unanswered
local prefix = KEYS[1]
local gm, silence = ARGV[2], ARGV[3]
local account = prefix .. 'gm:' .. gm
local reply, silent = { 'ok' }, {}

if redis.call('EXISTS', account) == 0 then
    return { 'no_gm' }
end

local now = clock()

for _, uid in ipairs(redis.call('ZRANGE', account .. ':friends', 0, -1)) do
    local bond = redis.call('HMGET', prefix .. 'player:' .. uid, 'host',
                            'since')
    local host = bond[1]
    local newest, unread, waiting = unanswered(prefix, gm, uid)

    silent[host] = silent[host]
                   or is_silent(redis.call('ZSCORE', prefix .. 'hosts', host),
                                now, silence)

    reply[#reply + 1] = uid
    reply[#reply + 1] = host
    reply[#reply + 1] = bond[2]
    reply[#reply + 1] = tonumber(redis.call('HGET', ARGV[1] .. ':u', uid)
                                 or 0)
    reply[#reply + 1] = unread
    reply[#reply + 1] = waiting
    reply[#reply + 1] = silent[host]
    reply[#reply + 1] = newest
end

return reply
