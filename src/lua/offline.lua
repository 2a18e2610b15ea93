-- Takes a GM offline.
-- KEYS  1 prefix
-- ARGV  1 gm_account
-- Gives {'ok'} | {'not_online'}
-- Event to each host of the GM: that its online GMs changed
-- include clock
-- include presence
-- include wake
-- include tell_hosts
local prefix = KEYS[1]
local gm = ARGV[1]
local score = redis.call('ZSCORE', prefix .. 'online', gm)

if score then
    redis.call('ZREM', prefix .. 'online', gm)
end

if not is_online(score, clock()) then
    return { 'not_online' }
end

tell_hosts(prefix, gm)

return { 'ok' }
