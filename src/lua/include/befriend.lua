-- Counts the friends that a GM has on a host, `change` (1 or -1) more; tells
-- the host where that puts the GM on its list of online GMs or takes it off.
-- Needs presence.lua and wake.lua. `now` from clock().
local function befriend(prefix, gm, host, change, now)
    local gms = prefix .. 'host:' .. host .. ':gms'
    local hosts = prefix .. 'gm:' .. gm .. ':hosts'
    local count = redis.call('HINCRBY', gms, gm, change)

    if count <= 0 then
        redis.call('HDEL', gms, gm)
        redis.call('HDEL', hosts, host)

    else
        redis.call('HSET', hosts, host, count)

        if count ~= 1 or change < 0 then
            return
        end
    end

    if is_online(redis.call('ZSCORE', prefix .. 'online', gm), now) then
        wake(prefix, 'h' .. host, 'o')
    end
end
