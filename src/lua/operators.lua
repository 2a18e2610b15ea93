-- The operators of the group, by name.
-- KEYS  1 prefix
-- Gives {'ok', operator, role, gms, ...}; gms: '7,8'
local key = KEYS[1] .. 'operators'
local names = redis.call('HKEYS', key)
local reply = { 'ok' }

table.sort(names)

for _, name in ipairs(names) do
    local role, gms = string.match(redis.call('HGET', key, name),
                                   '^(%a+) (.*)$')

    reply[#reply + 1] = name
    reply[#reply + 1] = role
    reply[#reply + 1] = gms
end

return reply
