-- All GM accounts, oldest first.
-- KEYS  1 prefix
-- Gives {'ok', gm, name, online, friends, ...}
-- include clock
-- include presence
local prefix = KEYS[1]
local now = clock()
local reply = { 'ok' }

for _, gm in ipairs(redis.call('ZRANGE', prefix .. 'gms', 0, -1)) do
    local account = prefix .. 'gm:' .. gm
    local score = redis.call('ZSCORE', prefix .. 'online', gm)

    reply[#reply + 1] = gm
    reply[#reply + 1] = redis.call('HGET', account, 'name')
    reply[#reply + 1] = is_online(score, now) and 1 or 0
    reply[#reply + 1] = redis.call('ZCARD', account .. ':friends')
end

return reply
