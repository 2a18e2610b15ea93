-- Lets a GM be online until `now` + `lease` milliseconds at least, and tells
-- its hosts where it was not. `score` is what it has in `online`, if anything.
-- Needs presence.lua, wake.lua and tell_hosts.lua. `now` from clock().
local function renew(prefix, gm, score, now, lease)
    redis.call('ZADD', prefix .. 'online', 'GT',
               string.format('%d', now / 1000 + lease), gm)

    if not is_online(score, now) then
        tell_hosts(prefix, gm)
    end
end
