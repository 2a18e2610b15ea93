-- A write that means nothing, for WAIT and WAITAOF to wait for: they wait for
-- what their own connection wrote last, and so for all that was written before.
-- KEYS  1 prefix
-- Gives {'ok'}
local key, life = KEYS[1] .. 'commit', 30 * 86400

-- at the memory cap Redis refuses SET, but not EXPIRE, which writes as well

if redis.call('EXPIRE', key, life) == 0 then
    redis.call('SET', key, '', 'EX', life)
end

return { 'ok' }
