-- Tells each host on which a GM has a friend that its list of online GMs
-- changed. Needs wake.lua.
local function tell_hosts(prefix, gm)
    local hosts = redis.call('HKEYS', prefix .. 'gm:' .. gm .. ':hosts')

    for _, host in ipairs(hosts) do
        wake(prefix, 'h' .. host, 'o')
    end
end
