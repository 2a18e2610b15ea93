-- Gives an operator a role, and GMs; another one before is forgotten.
-- KEYS  1 prefix
-- ARGV  1 operator  2 role  3 GMs, '7,8'
-- Gives {'ok'} | {'no_gm'}
-- Event to operators' streams: that the rights of this one changed
-- include wake
local prefix = KEYS[1]
local name, role, gms = ARGV[1], ARGV[2], ARGV[3]

for gm in string.gmatch(gms, '%d+') do
    if redis.call('EXISTS', prefix .. 'gm:' .. gm) == 0 then
        return { 'no_gm' }
    end
end

redis.call('HSET', prefix .. 'operators', name, role .. ' ' .. gms)
wake(prefix, 'ops', 'p ' .. name)

return { 'ok' }
