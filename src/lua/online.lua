-- Puts a GM online until it goes off.
-- KEYS  1 prefix
-- ARGV  1 gm_account
-- Gives {'ok'} | {'no_gm'}
local prefix = KEYS[1]
local gm = ARGV[1]

if redis.call('EXISTS', prefix .. 'gm:' .. gm) == 0 then
    return { 'no_gm' }
end

redis.call('ZADD', prefix .. 'online', '+inf', gm)

return { 'ok' }
