-- The game servers, by number.
-- KEYS  1 prefix
-- ARGV  1 milliseconds after which a host that is not heard of is silent
-- Gives {'ok', host, last_poll, players, undelivered, silent, ...}
-- include clock
-- include silent
local prefix, silence = KEYS[1], ARGV[1]
local now = clock()
local reply = { 'ok' }
local hosts, polled = {}, {}
local found = redis.call('ZRANGE', prefix .. 'hosts', 0, -1, 'WITHSCORES')

for i = 1, #found, 2 do
    hosts[#hosts + 1] = found[i]
    polled[found[i]] = found[i + 1]
end

table.sort(hosts, function(a, b)
    return #a < #b or #a == #b and a < b
end)

for _, host in ipairs(hosts) do
    local players = 0

    for _, friends in ipairs(redis.call('HVALS', prefix .. 'host:' .. host
                                                 .. ':gms'))
    do
        players = players + friends
    end

    reply[#reply + 1] = host
    reply[#reply + 1] = polled[host]
    reply[#reply + 1] = players
    reply[#reply + 1] = redis.call('XLEN', prefix .. 'box:h' .. host)
    reply[#reply + 1] = is_silent(polled[host], now, silence)
end

return reply
