-- Who a player's GM is, and where the player is.
-- KEYS  1 prefix
-- ARGV  1 uid  2 milliseconds after which a host that is not heard of is silent
-- Gives {'ok', uid, host, gm, name, since, silent}, or {'ok'} of a player
--       without a GM; silent: 1 where the host is
-- include clock
-- include silent
local prefix, uid, silence = KEYS[1], ARGV[1], ARGV[2]
local bond = redis.call('HMGET', prefix .. 'player:' .. uid, 'host', 'gm',
                        'since')
local host, gm = bond[1], bond[2]

if not gm then
    return { 'ok' }
end

return { 'ok', uid, host, gm, redis.call('HGET', prefix .. 'gm:' .. gm, 'name'),
         bond[3], is_silent(redis.call('ZSCORE', prefix .. 'hosts', host),
                            clock(), silence) }
