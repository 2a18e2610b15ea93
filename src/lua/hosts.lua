-- The game servers.
-- KEYS  1 prefix
-- Gives {'ok', host, last_poll, players, undelivered, ...}
local prefix = KEYS[1]
local reply = { 'ok' }
local hosts = redis.call('ZRANGE', prefix .. 'hosts', 0, -1, 'WITHSCORES')

for i = 1, #hosts, 2 do
    local host, players = hosts[i], 0

    for _, friends in ipairs(redis.call('HVALS', prefix .. 'host:' .. host
                                                 .. ':gms'))
    do
        players = players + friends
    end

    reply[#reply + 1] = host
    reply[#reply + 1] = hosts[i + 1]
    reply[#reply + 1] = players
    reply[#reply + 1] = redis.call('XLEN', prefix .. 'box:h' .. host)
end

return reply
