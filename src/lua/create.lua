-- Makes a GM account, and puts it online.
-- KEYS  1 prefix
-- ARGV  1 gm_account  2 gm_name
-- Gives {'ok'} | {'gm_exists'}
-- include clock
local prefix = KEYS[1]
local gm, name = ARGV[1], ARGV[2]
local account = prefix .. 'gm:' .. gm

if redis.call('EXISTS', account) == 1 then
    return { 'gm_exists' }
end

local ts = math.floor(clock() / 1000)

redis.call('HSET', account, 'name', name, 'created', ts)
redis.call('ZADD', prefix .. 'gms', ts, gm)
redis.call('ZADD', prefix .. 'online', '+inf', gm)

return { 'ok' }
