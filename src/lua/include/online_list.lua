-- The online GMs that have a friend on a host; and in how many milliseconds
-- the first of their leases ends, -1 where none does by itself. Needs clock.lua
-- and presence.lua.
local function online_list(prefix, host)
    local online, ends = {}, math.huge
    local gms = redis.call('HKEYS', prefix .. 'host:' .. host .. ':gms')

    if #gms == 0 then
        return online, -1
    end

    local now = clock()

    for _, gm in ipairs(gms) do
        local score = redis.call('ZSCORE', prefix .. 'online', gm)
        if is_online(score, now) then
            online[#online + 1] = gm
            ends = math.min(ends, tonumber(score))
        end
    end

    if ends == math.huge then
        return online, -1
    end

    return online, math.max(1, math.ceil(ends - now / 1000))
end
