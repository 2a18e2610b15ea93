-- A stream that keeps GMs online goes on: their leases are renewed, but for
-- those that went offline since.
-- KEYS  1 prefix
-- ARGV  1 'gm gm ...'  2 lease in milliseconds
-- Gives {'ok'}
-- Event to each host of a GM whose lease had ended: that its online GMs changed
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
    if score then
        renew(prefix, gm, score, now, lease)
    end
end

return { 'ok' }
