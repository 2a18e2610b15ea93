-- The online GMs that have a friend on a host.
-- KEYS  1 prefix
-- ARGV  1 host
-- Gives {'ok', gm, ...}
-- include clock
-- include presence
local prefix = KEYS[1]
local host = ARGV[1]
local gms = redis.call('HKEYS', prefix .. 'host:' .. host .. ':gms')
local reply = { 'ok' }

if #gms == 0 then
    return reply
end

local now = clock()

for _, gm in ipairs(gms) do
    if is_online(redis.call('ZSCORE', prefix .. 'online', gm), now) then
        reply[#reply + 1] = gm
    end
end

return reply
