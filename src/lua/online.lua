-- Puts a GM online until it goes off, or until a lease ends. The latest word
-- counts.
-- KEYS  1 prefix
-- ARGV  1 gm_account  2 lease in seconds, or ''
-- Gives {'ok'} | {'no_gm'}
-- Event to each host of the GM: that its online GMs changed, or that one of
--       them goes earlier than was known
-- include clock
-- include presence
-- include wake
-- include tell_hosts
local prefix = KEYS[1]
local gm, lease = ARGV[1], ARGV[2]
local ends = '+inf'

if redis.call('EXISTS', prefix .. 'gm:' .. gm) == 0 then
    return { 'no_gm' }
end

local now = clock()
local score = redis.call('ZSCORE', prefix .. 'online', gm)

if lease ~= '' then
    ends = string.format('%d', now / 1000 + lease * 1000)
end

redis.call('ZADD', prefix .. 'online', ends, gm)

if not is_online(score, now)
    or lease ~= '' and tonumber(ends) < tonumber(score)
then
    tell_hosts(prefix, gm)
end

return { 'ok' }
