-- A stream that keeps GMs online begins: they are online for a lease, or for
-- longer if they were.
-- KEYS  1 prefix
-- ARGV  1 'gm gm ...'; those that do not exist are passed over  2 lease in
--       milliseconds
-- Gives {'ok'}
-- Event to each host of a GM that was not online: that its online GMs changed
-- include clock
-- include presence
-- include wake
-- include tell_hosts
-- include renew
local prefix = KEYS[1]
local lease = tonumber(ARGV[2])
local now = clock()

for gm in string.gmatch(ARGV[1], '%d+') do
    local score = redis.call('ZSCORE', prefix .. 'online', gm)
    if score or redis.call('EXISTS', prefix .. 'gm:' .. gm) == 1 then
        renew(prefix, gm, score, now, lease)
    end
end

return { 'ok' }
