-- Takes an operator's role away.
-- KEYS  1 prefix
-- ARGV  1 operator
-- Gives {'ok'} | {'no_such_operator'}
-- Event to operators' streams: that the rights of this one changed
-- include wake
local prefix = KEYS[1]
local name = ARGV[1]

if redis.call('HDEL', prefix .. 'operators', name) == 0 then
    return { 'no_such_operator' }
end

wake(prefix, 'ops', 'p ' .. name)

return { 'ok' }
